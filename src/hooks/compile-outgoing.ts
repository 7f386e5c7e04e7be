import type { FieldError } from '../platform/errors.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import type { OutgoingDefinition } from './definition.ts';
import { isSensitiveName } from './sensitive-headers.ts';
import { compileTemplate, TemplateFault, type CompiledTemplate, type TemplateKind } from './templates.ts';

/** A JSON value whose strings are templates. */
export type BodyNode =
  | { kind: 'leaf'; template: CompiledTemplate; path: string }
  | { kind: 'constant'; value: unknown }
  | { kind: 'array'; items: BodyNode[] }
  | { kind: 'object'; entries: [string, BodyNode][] };

type CompiledBody =
  | { kind: 'none' }
  /** Rendered leaf by leaf, so that no value can break out of its string. */
  | { kind: 'json'; root: BodyNode }
  /** One text, whose values are escaped for its content type. */
  | { kind: 'text'; template: CompiledTemplate };

export type CompiledOutgoing = {
  url: CompiledTemplate;
  headers: { name: string; template: CompiledTemplate; field: string }[];
  body: CompiledBody;
  /** For when the hook names none; null when it has no body. */
  contentType: string | null;
};

const deepest = 20;
/** Each text of a body is a template of its own. */
const mostTexts = 1000;
/** Of all texts together: each is parsed and rendered while all others wait. */
const mostExpressions = 2000;

/** Returns every template that does not parse instead of throwing at the first. */
export function compileOutgoing(
  definition: Pick<OutgoingDefinition, 'target_url' | 'request_headers' | 'request_body'>,
): { compiled: CompiledOutgoing; faults: FieldError[] } {
  const faults: FieldError[] = [];
  let expressions = 0;
  const compile = (text: string, kind: TemplateKind, field: string): CompiledTemplate => {
    const before = expressions;
    expressions += text.match(/\{[{%]/g)?.length ?? 0;
    if (expressions > mostExpressions) {
      if (before <= mostExpressions)
        faults.push({ field, message: `brings the templates to more than ${mostExpressions} expressions` });
      return { keepsType: false, render: () => '', paths: () => [] };
    }
    try {
      return compileTemplate(text, kind);
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error;
      faults.push({ field, message: error.message });
      return { keepsType: false, render: () => '', paths: () => [] };
    }
  };
  let texts = 0;
  const node = (value: unknown, field: string, depth: number): BodyNode => {
    if (typeof value === 'string') texts++;
    if (typeof value === 'string' && texts > mostTexts) {
      if (texts === mostTexts + 1)
        faults.push({ field: 'settings.request_body', message: `has more than ${mostTexts} texts` });
      return { kind: 'constant', value: '' };
    }
    if (typeof value === 'string')
      return { kind: 'leaf', template: compile(value, 'text', field), path: field };
    if (typeof value !== 'object' || value === null) return { kind: 'constant', value };
    if (depth >= deepest) {
      faults.push({ field, message: `is nested more than ${deepest} levels deep` });
      return { kind: 'constant', value: null };
    }
    if (Array.isArray(value)) {
      return { kind: 'array', items: value.map((item, index) => node(item, `${field}.${index}`, depth + 1)) };
    }
    return {
      kind: 'object',
      entries: Object.entries(value).map(([key, item]) => [key, node(item, `${field}.${key}`, depth + 1)]),
    };
  };

  const given =
    definition.request_headers.find(({ name }) => name.toLowerCase() === 'content-type')?.value ?? null;
  const body = definition.request_body;
  const asJson = typeof body === 'string' ? parseObject(body) : body;
  const compiledBody = ((): CompiledBody => {
    if (asJson !== null && asJson !== undefined) {
      return { kind: 'json', root: node(asJson, 'settings.request_body', 0) };
    }
    if (typeof body !== 'string') return { kind: 'none' };
    return { kind: 'text', template: compile(body, textKind(given), 'settings.request_body') };
  })();
  const contentType = { none: null, json: 'application/json', text: 'text/plain; charset=utf-8' }[
    compiledBody.kind
  ];

  return {
    compiled: {
      url: compile(definition.target_url, 'url', 'target_url'),
      headers: definition.request_headers.map(({ name, value }, index) => ({
        name,
        field: `settings.request_headers.${index}.value`,
        template: compile(value, 'text', `settings.request_headers.${index}.value`),
      })),
      body: compiledBody,
      contentType,
    },
    faults,
  };
}

function textKind(contentType: string | null): TemplateKind {
  if (contentType && /json/i.test(contentType)) return 'json';
  if (contentType && /x-www-form-urlencoded/i.test(contentType)) return 'form';
  return 'text';
}

/** A body given as text that is a whole JSON object or array is treated as that value. */
function parseObject(text: string): object | null {
  try {
    const value = parseExactJson(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** Every template with the field that it stands in. */
export function allTemplates({
  url,
  headers,
  body,
}: CompiledOutgoing): { field: string; template: CompiledTemplate; isSensitive?: boolean }[] {
  const leaves = (node: BodyNode): { field: string; template: CompiledTemplate }[] => {
    switch (node.kind) {
      case 'leaf':
        return [{ field: node.path, template: node.template }];
      case 'array':
        return node.items.flatMap(leaves);
      case 'object':
        return node.entries.flatMap(([, item]) => leaves(item));
      case 'constant':
        return [];
      default:
        return node satisfies never;
    }
  };
  const all: ReturnType<typeof allTemplates> = [
    { field: 'target_url', template: url },
    ...headers.map((header) => ({ ...header, isSensitive: isSensitiveName(header.name) })),
  ];
  if (body.kind === 'text') all.push({ field: 'settings.request_body', template: body.template });
  if (body.kind === 'json') all.push(...leaves(body.root));
  return all;
}
