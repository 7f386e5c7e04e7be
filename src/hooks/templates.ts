import {
  Context,
  Drop,
  Liquid,
  LiquidError,
  toValue,
  toValueSync,
  type Emitter,
  type Template,
} from 'liquidjs';
import { commitHosts, commitState } from './commit-state.ts';

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

/**
 * `deadline` is a time of `performance.now()`: the templates of one request share it, for they block all others. `most`
 * is the number of characters that may come out.
 */
type RenderOptions = { strict: boolean; deadline?: number; most?: number };

export type CompiledTemplate = {
  /**
   * Throws MissingVariable when `strict` and a variable is not there, and an error when the deadline passes or the text
   * becomes too long.
   */
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
  json: (value) => {
    checkLength(value);
    return JSON.stringify(plain(value)).slice(1, -1);
  },
};

/** The names that may follow a `|`. */
export function templateFilters(): string[] {
  return Object.keys(engineFor('text').filters).toSorted();
}

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
  checkCommitState(text);
  return {
    keepsType: /^\s*\{\{(?:(?!\}\}).)*\|\s*json\s*\}\}\s*$/s.test(text),
    render(context, { strict, deadline = performance.now() + mostRenderMs, most = mostCharacters }) {
      const renderLimit = Math.max(1, deadline - performance.now());
      const scope = new Context(context, engine.options, {
        strictVariables: strict,
        renderLimit,
        sync: true,
      });
      const output = createOutput(most);
      try {
        toValueSync(engine.renderer.renderTemplates(parsed, scope, output));
        return output.buffer;
      } catch (error) {
        if (error instanceof LiquidError && error.name === 'UndefinedVariableError') {
          throw new MissingVariable(
            error.originalError?.message.replace(/^undefined variable: /, '') ?? 'a variable',
          );
        }
        throw error;
      }
    },
    paths: () => {
      try {
        return engine.globalVariableSegmentsSync(parsed).map((segments) => {
          const computed = segments.findIndex((segment) => Array.isArray(segment));
          return (computed < 0 ? segments : segments.slice(0, computed)).map(String);
        });
      } catch {
        // Only warnings come of it; a template that cannot be analysed gets none.
        return [];
      }
    },
  };
}

/** A host that is written out is known beforehand: better refused now than at the first event. */
function checkCommitState(text: string): void {
  for (const [, argument = ''] of text.matchAll(/\|\s*commit_state\b\s*(:?[^|}]*)/g)) {
    const host = /^:\s*(?:"([^"]*)"|'([^']*)')/.exec(argument);
    const name = host?.[1] ?? host?.[2];
    if (argument.startsWith(':') && name === undefined) continue;
    if (name !== undefined && commitHosts.includes(name)) continue;
    const hosts = commitHosts.map((one) => `"${one}"`).join(', ');
    throw new TemplateFault(`must name one of ${hosts} after commit_state, as in | commit_state: "github"`);
  }
}

/** Of a body; a text that doubles itself a few times has no other end. */
export const mostCharacters = 1024 * 1024;

/** Collects what comes out, up to a length. */
function createOutput(most: number): Emitter {
  const output: Emitter = {
    buffer: '',
    write(value: unknown) {
      const text = printed(value);
      if (output.buffer.length + text.length > most)
        throw new Error(`it becomes longer than ${most} characters`);
      output.buffer += text;
    },
  };
  return output;
}

/** As Liquid's own output does. */
function printed(value: unknown): string {
  const plainValue: unknown = toValue(value);
  if (typeof plainValue === 'string') return plainValue;
  if (plainValue === null || plainValue === undefined) return '';
  return Array.isArray(plainValue) ? plainValue.map(printed).join('') : String(plainValue);
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
    memoryLimit: 5_000_000,
  });
  // There is nothing to include, and a template that tries should be refused rather than fail at each event.
  for (const name of ['include', 'render', 'layout', 'block']) delete engine.tags[name];
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
  checkLength(value);
  // A lone half of a surrogate pair would make encodeURIComponent throw.
  return encodeURIComponent(plain(value).toWellFormed());
}

/** Before it is encoded, which makes it longer still. */
function checkLength(value: unknown): void {
  if (typeof value === 'string' && value.length > mostCharacters)
    throw new Error(`it becomes longer than ${mostCharacters} characters`);
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
