import { LineCounter, parseDocument } from 'yaml';
import { readHostKey } from '../../../platform/ssh-host-key.ts';
import { checkShape, type Places } from './check-shape.ts';
import { fileSchema } from './file-schema.ts';
import type { Fault } from './faults.ts';
import { canonicalFields, flatten, kindNames, kinds, type Fields, type Kind } from './kinds.ts';
import { Reference, withReferences } from './references.ts';

/** A resource as the file wants it. Fields that the file leaves out are not there. */
export type Desired = {
  kind: Kind;
  name: string;
  was: string | null;
  owner: Desired | null;
  /** `application web, pipeline Deploy`: says which one, in sentences. */
  address: string;
  fields: Fields;
  line: number;
  column: number;
};

const mostBytes = 4 * 1024 * 1024;

/** The resources that a file describes, each behind its owner; or everything that is wrong with it. */
export function readEnvironmentFile(text: string): { desired: Desired[]; faults: Fault[] } {
  if (Buffer.byteLength(text) > mostBytes)
    return { desired: [], faults: [{ line: 0, column: 0, message: `has more than ${mostBytes} bytes` }] };
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (document === null) return tooDeep;
  const broken = [...document.errors, ...document.warnings].map(({ message, linePos, pos }): Fault => {
    const place = linePos?.[0] ?? lines.linePos(pos[0]);
    return { line: place.line, column: place.col, message: firstLine(message) };
  });
  if (document.errors.some(({ message }) => message.includes('call stack'))) return tooDeep;
  if (document.errors.length > 0) return { desired: [], faults: broken };
  if (document.contents === null)
    return { desired: [], faults: [{ line: 1, column: 1, message: 'is empty: it begins with hookline: 1' }] };
  const { value, faults, places } = checkShape(document, lines, fileSchema);
  // What is right in form is looked at all the same, so that every fault is told at once.
  const desired = isMapping(value) ? resourcesIn(value, places) : [];
  return { desired, faults: [...broken, ...faults, ...meaningFaults(desired)] };
}

const tooDeep = { desired: [], faults: [{ line: 0, column: 0, message: 'is nested too deeply to be read' }] };

function parse(text: string, lines: LineCounter) {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: true, uniqueKeys: true });
  } catch (error) {
    // The parser calls itself at each level.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The parser says the place once more, and shows the line. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

function resourcesIn(file: Fields, places: Places): Desired[] {
  const found: Desired[] = [];
  const collect = (within: Fields, owner: Desired | null, path: string[]) => {
    for (const kind of kindNames) {
      const { list, nameField } = kinds[kind];
      const items: unknown = within[list];
      for (const [index, value] of (Array.isArray(items) ? items : []).entries()) {
        if (!isMapping(value) || typeof value[nameField] !== 'string') continue;
        const at = [...path, list, String(index)];
        const name = value[nameField];
        const one: Desired = {
          kind,
          name,
          was: typeof value['was'] === 'string' ? value['was'] : null,
          owner,
          address: addressOf(kind, name, owner),
          fields: desiredFields(kind, value),
          ...placeOf(places, at),
        };
        found.push(one);
        collect(value, one, at);
      }
    }
  };
  collect(file, null, []);
  return found;
}

function isMapping(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function placeOf(places: Places, path: string[]): { line: number; column: number } {
  return places.get(path.join('.')) ?? { line: 0, column: 0 };
}

function desiredFields(kind: Kind, value: Fields): Fields {
  const nested = kind === 'outgoing_hook' && value['tls'] === null ? { ...value, tls: undefined } : value;
  const fields = canonicalFields(kind, flatten(nested));
  return Object.fromEntries(
    Object.entries(fields).map(([field, one]) => [field, withReferences(field, one)]),
  );
}

/** `application web, pipeline Deploy` */
export function addressOf(kind: Kind, name: string, owner: { address: string } | null): string {
  const own = `${kinds[kind].label} ${/^[\w.-]+$/.test(name) ? name : JSON.stringify(name)}`;
  return owner ? `${owner.address}, ${own}` : own;
}

/** What the shape alone does not tell: names that are there twice or not at all, and what does not go together. */
function meaningFaults(desired: Desired[]): Fault[] {
  const faults: Fault[] = [];
  const fault = ({ line, column }: Desired, message: string) => void faults.push({ line, column, message });
  const known = new Map<string, Desired>();
  for (const one of desired) {
    const first = known.get(one.address);
    if (first) fault(one, `${one.address} is there twice, first in line ${first.line}`);
    else known.set(one.address, one);
  }
  for (const one of desired) {
    const was = one.was === null ? null : known.get(addressOf(one.kind, one.was, one.owner));
    if (was) fault(one, `was: ${one.was} of ${one.address} is the name of another one of this file`);
    for (const message of rules[one.kind]?.(one, known) ?? []) fault(one, message);
  }
  return faults;
}

type Rule = (one: Desired, known: Map<string, Desired>) => string[];

const rules: Partial<Record<Kind, Rule>> = {
  application: ({ address, fields }, known) => {
    const { credential, servers } = fields;
    const faults: string[] = [];
    if (typeof credential === 'string' && !known.has(addressOf('credential', credential, null)))
      faults.push(
        `${address}: there is no credential ${JSON.stringify(credential)} in this file; one of the organization is given as { organization: ${JSON.stringify(credential)} }`,
      );
    for (const name of Array.isArray(servers) ? servers : []) {
      if (!known.has(addressOf('server', String(name), null)))
        faults.push(`${address}: there is no server ${JSON.stringify(name)} in this file`);
    }
    return faults;
  },
  variable: ({ address, name, fields }) => [
    ...(name.startsWith('HOOKLINE_') ? [`${address}: its name must not begin with HOOKLINE_`] : []),
    ...(fields['hidden'] === true && !(fields['value'] instanceof Reference)
      ? [
          `${address} is hidden, so its value must not stand here: give { env: NAME } or { file: path } instead`,
        ]
      : []),
  ],
  pipeline: ({ address, owner, fields }) =>
    fields['default_steps'] === true && (owner?.kind !== 'application' || fields['operation'] !== 'deploy')
      ? [`${address}: default_steps are for the deploy pipelines of applications`]
      : [],
  outgoing_hook: ({ address, fields }) => [
    ...(fields['preset'] === undefined && fields['target_url'] === undefined
      ? [`${address} needs target_url, as it has no preset`]
      : []),
    ...((fields['tls.client_certificate'] ?? null) === null && (fields['tls.client_key'] ?? null) !== null
      ? [`${address} needs tls.client_certificate beside tls.client_key`]
      : []),
  ],
  incoming_hook: ({ address, fields }) => [
    ...(fields['preset'] === undefined && (fields['trigger_when.events'] ?? fields['trigger_when.branches'])
      ? [`${address}: trigger_when.events and .branches need a preset; else give conditions`]
      : []),
    ...(fields['requires_secret'] === false && fields['secret'] !== undefined
      ? [`${address} has a secret, but requires_secret is false: leave one of the two out`]
      : []),
  ],
  server: ({ address, fields }) =>
    typeof fields['ssh_host_key'] === 'string' && readHostKey(fields['ssh_host_key']) === null
      ? [`${address}: ssh_host_key must be the type and the key as in known_hosts; ssh-keyscan prints them`]
      : [],
};
