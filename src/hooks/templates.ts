import { Drop, Liquid, LiquidError, type Template } from 'liquidjs';
import { commitState } from './commit-state.ts';

/**
 * The three texts of an outgoing hook are Liquid templates. What a value becomes when it is put in depends on where
 * it is put, so that no value can change the meaning of what stands around it.
 */
export type TemplateKind =
  /** Percent-encoded. */
  | 'url'
  /** As it is; line breaks are removed from the whole header afterwards. */
  | 'text'
  /** As the inside of a JSON string. */
  | 'json'
  /** Percent-encoded, for `application/x-www-form-urlencoded`. */
  | 'form';

/** `deadline` is a time of `performance.now()`: the templates of one request share it, for they block all others. */
type RenderOptions = { strict: boolean; deadline?: number };

export type CompiledTemplate = {
  /** Throws MissingVariable when `strict` and a variable is not there, and an error when the deadline passes. */
  render(context: object, options: RenderOptions): string;
  /** True when the whole text is one expression that ends in `| json`: its value then keeps its type. */
  keepsType: boolean;
  /** The variables that it names, but for those it makes itself: `['action', 'id']`. What is computed ends a path. */
  paths(): string[][];
};

/** For all templates of one request together. */
export const mostRenderMs = 200;

export class MissingVariable extends Error {
  override name = 'MissingVariable';
}

/** A template that does not parse; line and column count from 1. */
export class TemplateFault extends Error {
  override name = 'TemplateFault';
}

const escapes: Record<TemplateKind, ((value: unknown) => string) | undefined> = {
  url: percentEncode,
  form: percentEncode,
  text: undefined,
  json: (value) => JSON.stringify(plain(value)).slice(1, -1),
};

const engines = new Map<TemplateKind, Liquid>();

/** Throws TemplateFault. */
export function compileTemplate(text: string, kind: TemplateKind): CompiledTemplate {
  if (!/\{[{%]/.test(text)) return { keepsType: false, render: () => text, paths: () => [] };
  const engine = engineFor(kind);
  let parsed: Template[];
  try {
    parsed = engine.parse(text);
  } catch (cause) {
    throw new TemplateFault(describe(cause), { cause });
  }
  return {
    keepsType: /^\s*\{\{(?:(?!\}\}).)*\|\s*json\s*\}\}\s*$/s.test(text),
    render(context, { strict, deadline = performance.now() + mostRenderMs }) {
      const renderLimit = Math.max(1, deadline - performance.now());
      try {
        return String(engine.renderSync(parsed, context, { strictVariables: strict, renderLimit }));
      } catch (error) {
        if (error instanceof LiquidError && error.name === 'UndefinedVariableError') {
          throw new MissingVariable(
            error.originalError?.message.replace(/^undefined variable: /, '') ?? 'a variable',
          );
        }
        throw error;
      }
    },
    paths: () =>
      engine.globalVariableSegmentsSync(parsed).map((segments) => {
        const computed = segments.findIndex((segment) => Array.isArray(segment));
        return (computed < 0 ? segments : segments.slice(0, computed)).map(String);
      }),
  };
}

function engineFor(kind: TemplateKind): Liquid {
  const known = engines.get(kind);
  if (known) return known;
  const escape = escapes[kind];
  const engine = new Liquid({
    ...(escape ? { outputEscape: escape } : {}),
    ownPropertyOnly: true,
    strictFilters: true,
    // Lets `{% if x %}` and `| default:` meet a missing variable without failing.
    lenientIf: true,
    // No template may read a file: there is none to include.
    templates: {},
    dynamicPartials: false,
    parseLimit: 100_000,
    memoryLimit: 20_000_000,
  });
  engine.registerFilter('commit_state', (status: unknown, host: unknown) =>
    commitState(String(status), String(host)),
  );
  engine.registerFilter('slack_escape', (value: unknown) =>
    plain(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  );
  const builtIn = engine.filters['json']!;
  const json = typeof builtIn === 'function' ? builtIn : builtIn.handler;
  engine.registerFilter('json', function jsonOrNull(value: unknown, ...rest: unknown[]) {
    // The `nil` of a template is an object to Liquid, which would be written as `{}`.
    return value instanceof Drop && value.valueOf() === null ? 'null' : json.call(this, value, ...rest);
  });
  engines.set(kind, engine);
  return engine;
}

function percentEncode(value: unknown): string {
  // A lone half of a surrogate pair would make encodeURIComponent throw.
  return encodeURIComponent(plain(value).toWellFormed());
}

/** What Liquid itself would print. */
function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function describe(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const position = /, line:(\d+), col:(\d+)/.exec(message);
  const what = message.split(/, line:|\n/)[0];
  return position
    ? `does not parse: ${what}, at line ${position[1]}, column ${position[2]}`
    : `does not parse: ${what}`;
}
