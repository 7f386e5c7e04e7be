import type { BodyNode, CompiledOutgoing } from '../hooks/compile-outgoing.ts';
import { MissingVariable, mostCharacters, mostRenderMs, type CompiledTemplate } from '../hooks/templates.ts';
import { parseExactJson } from '../platform/exact-json.ts';

export type RenderedRequest = {
  kind: 'request';
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Paths that the body names and the event does not have; they were rendered empty. */
  missing: string[];
};

export type Rendered = RenderedRequest | { kind: 'impossible'; reason: string };

/**
 * Makes the request out of a hook's templates. What is missing in the URL or a header makes it impossible, with the
 * reason; in the body it renders empty and is noted. `values` holds no nulls (`withoutNulls`). Never throws for anything
 * that a template or a value does.
 */
export function renderRequest(compiled: CompiledOutgoing, values: object): Rendered {
  let part = 'the event';
  try {
    const deadline = performance.now() + mostRenderMs;
    part = 'the URL';
    const url = checkUrl(compiled.url.render(values, { strict: true, deadline, most: mostOfLine }));
    const headers: Record<string, string> = {};
    for (const { name, template } of compiled.headers) {
      part = `the header ${name}`;
      headers[name.toLowerCase()] = headerValue(
        template.render(values, { strict: true, deadline, most: mostOfLine }),
      );
      if (headers[name.toLowerCase()] === '' && name.toLowerCase() === 'content-type')
        delete headers['content-type'];
    }
    part = 'the body';
    const rendering: Rendering = { values, deadline, left: mostCharacters, missing: new Set() };
    const body = renderBody(compiled.body, rendering);
    if (compiled.contentType && !headers['content-type']) headers['content-type'] = compiled.contentType;
    return { kind: 'request', url, headers, body, missing: [...rendering.missing] };
  } catch (error) {
    if (error instanceof MissingVariable) {
      return {
        kind: 'impossible',
        reason: `Not sent: ${part} names ${error.message}, which this event does not have. ${cureFor(error.message)}`,
      };
    }
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { kind: 'impossible', reason: `Not sent: ${part} cannot be made: ${why}.` };
  }
}

/** What helps, for names whose absence has a cause that the user can do something about. */
const cures: { name: string; cure: string }[] = [
  {
    name: 'action.commit',
    cure: 'This run has no commit: have the incoming hook extract commit_hash, or run with source_type "commit".',
  },
  {
    name: 'application.source_provider',
    cure: 'The application has no source provider: give it a credential.',
  },
  {
    name: 'action.triggered_from.hook_parsed_variables',
    cure: 'The request that started the run did not bring it, or nobody sent one. Extract it in the incoming hook, or give it a default with "| default:".',
  },
];

function cureFor(path: string): string {
  return cures.find(({ name }) => path.startsWith(name))?.cure ?? 'Give it a default with "| default:".';
}

/** Values are percent-encoded, but `.` and `..` need no encoding to climb to another path. */
function checkUrl(text: string): string {
  const path = /^https?:\/\/[^/?#]*([^?#]*)/i.exec(text)?.[1] ?? '';
  if (path.split(/[/\\]/).some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    throw new Error('a part of its path is "." or ".."');
  }
  if (!URL.canParse(text)) throw new Error(`"${text}" is no address`);
  const url = new URL(text);
  if (url.username || url.password) throw new Error('it holds a name or password');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error('it is neither http nor https');
  return url.href;
}

/** A line break in a value must not begin another header; other control characters are not allowed either. */
function headerValue(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this removes
  const line = text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  // Node sends headers as Latin-1; what lies beyond is percent-encoded.
  return line.replaceAll(/[^\u0020-\u00ff]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}

/** Of a URL or a header. */
const mostOfLine = 8192;

/** `left`: the characters that the body may still have. */
type Rendering = { values: object; deadline: number; left: number; missing: Set<string> };

function renderBody(body: CompiledOutgoing['body'], rendering: Rendering): string {
  switch (body.kind) {
    case 'none':
      return '';
    case 'text':
      return renderNoting(body.template, rendering);
    case 'json':
      return JSON.stringify(renderNode(body.root, rendering));
    default:
      return body satisfies never;
  }
}

function renderNode(node: BodyNode, rendering: Rendering): unknown {
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'array':
      return node.items.map((item) => renderNode(item, rendering));
    case 'object':
      return Object.fromEntries(node.entries.map(([key, item]) => [key, renderNode(item, rendering)]));
    case 'leaf': {
      const text = renderNoting(node.template, rendering);
      if (!node.template.keepsType) return text;
      return text === '' ? null : parseExactJson(text);
    }
    default:
      return node satisfies never;
  }
}

function renderNoting(template: CompiledTemplate, rendering: Rendering): string {
  const { values, deadline, left, missing } = rendering;
  const text = (() => {
    try {
      return template.render(values, { strict: true, deadline, most: left });
    } catch (error) {
      if (!(error instanceof MissingVariable)) throw error;
      missing.add(error.message);
      return template.render(values, { strict: false, deadline, most: left });
    }
  })();
  rendering.left -= text.length;
  return text;
}
