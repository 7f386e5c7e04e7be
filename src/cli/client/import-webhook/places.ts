import type { Located } from './read-hooks.ts';

/* Where webhook finds the value of a parameter, and where Hookline does. */

export type Parameter = {
  /** In lower case, as webhook compares it not: `header`, `url`, `payload` … */
  source: string;
  name: string;
  envName: string;
  base64: boolean;
  line: number;
};

export type Place =
  /** At these paths of Hookline; `isWhole`: a text that may be beyond what a variable may have. */
  | { kind: 'paths'; paths: [string, ...string[]]; differs?: string }
  | { kind: 'constant'; text: string }
  | { kind: 'none'; why: string };

export function readParameter({ fields, line }: Located): Parameter {
  const text = (name: string) => fields?.get(name)?.text ?? '';
  return {
    source: text('source'),
    name: text('name'),
    envName: text('envname'),
    base64: fields?.get('base64decode')?.value === true,
    line,
  };
}

/** `parsed`: names of the payload that `parse-parameters-as-json` reads as JSON. */
export function placeOf({ source, name }: Parameter, parsed: ReadonlySet<string>): Place {
  switch (source) {
    case 'header':
      return name === ''
        ? { kind: 'constant', text: '' }
        : { kind: 'paths', paths: [`$headers.${name.toLowerCase()}`] };
    case 'url':
    case 'query':
      return name === '' ? { kind: 'constant', text: '' } : { kind: 'paths', paths: [`$query.${name}`] };
    case 'payload':
      return payloadPlace(name, parsed);
    case 'string':
      return { kind: 'constant', text: name };
    case 'raw-request-body':
      return { kind: 'paths', paths: ['$body'] };
    case 'entire-payload':
      return {
        kind: 'paths',
        paths: ['$body'],
        differs: 'the body as it came, and not written anew with its keys in order; a form stays a form',
      };
    case 'entire-headers':
    case 'entire-query':
      return {
        kind: 'none',
        why: `a variable holds one ${source === 'entire-query' ? 'parameter' : 'header'}, not all of them`,
      };
    case 'request':
      if (name.toLowerCase() === 'method') return { kind: 'constant', text: 'POST' };
      if (name.toLowerCase() === 'remote-addr')
        return {
          kind: 'none',
          why: "steps do not get the sender's address; it is in the record of the request",
        };
      return { kind: 'none', why: `webhook knows no "${name}" of a request either` };
    default:
      return { kind: 'none', why: `webhook knows no source "${source}" either` };
  }
}

function payloadPlace(name: string, parsed: ReadonlySet<string>): Place {
  if (name === '') return { kind: 'constant', text: '' };
  if (/(?:^|\.)(?:-[A-Za-z_]|#text(?:\.|$))/.test(name))
    return { kind: 'none', why: 'so webhook calls a part of XML, which Hookline does not read' };
  if (name.length > 490) return { kind: 'none', why: 'a path has at most 500 characters' };
  if (name.startsWith('$') || /[[\]]/.test(name.replaceAll(/\[[^[\]]*\]/g, '')))
    return { kind: 'none', why: `"${name}" is no path that Hookline can read` };
  for (const one of parsed) {
    if (name !== one && !name.startsWith(`${one}.`)) continue;
    // The field of that name is what Hookline reads as the body, where a form has it.
    if (one === 'payload' && name !== one)
      return { kind: 'paths', paths: [name.slice(one.length + 1), name] };
    if (one === 'payload')
      return {
        kind: 'none',
        why: 'JSON in the field `payload` of a form is the body itself, which has no name',
      };
    if (name === one) break;
    return { kind: 'none', why: `Hookline reads JSON in the field "payload" of a form, and not in "${one}"` };
  }
  // A list as the whole body has the name `root` in webhook, and none here.
  const inRoot = /^root\.(\d+(?:\..+)?)$/.exec(name)?.[1];
  return { kind: 'paths', paths: inRoot === undefined ? [name] : [name, inRoot] };
}
