import { HooklineError } from '#sdk';
import { hasDefaultSteps, outgoingDefaults } from './complete-fields.ts';
import { mask, type Actual, type ActualEnvironment } from './fetch-environment.ts';
import type { HookDefaults } from './hook-defaults.ts';
import { byText, kindNames, kinds, nest, type Fields } from './kinds.ts';
import { ApplyFault } from './faults.ts';
import { isDeepStrictEqual } from 'node:util';

/**
 * An environment as the value of a file: by name, each field that is at its default left out, secrets as references.
 * Throws when two things bear one name, as a file could not tell them apart.
 */
export async function describeEnvironment(
  environment: ActualEnvironment,
  defaults: HookDefaults,
): Promise<Fields> {
  checkNames(environment);
  const names = createNames();
  const children = Map.groupBy(environment.resources, ({ owner }) => owner);
  const describe = async (owner: Actual | null): Promise<Fields> => {
    const lists: Fields = {};
    for (const kind of kindNames) {
      const own = (children.get(owner) ?? []).filter((one) => one.kind === kind);
      const shown = own.filter((one) => !one.isUntouched || children.has(one));
      if (shown.length === 0) continue;
      const items: Fields[] = [];
      for (const one of shown.toSorted((a, b) => byText(a.name, b.name))) {
        const fields = await fieldsOf(one, defaults);
        const written = withNames(one, fields, names);
        items.push({ [kinds[kind].nameField]: one.name, ...nest(written), ...(await describe(one)) });
      }
      lists[kinds[kind].list] = items;
    }
    return lists;
  };
  return { hookline: 1, ...(await describe(null)) };
}

function checkNames({ resources, organizationCredentials }: ActualEnvironment): void {
  const alike = Map.groupBy(resources, ({ address }) => address);
  const faults = [...alike]
    .filter(([, all]) => all.length > 1)
    .map(([address, all]) => ({
      line: 0,
      column: 0,
      message: `${address}: there are ${all.length} of this name (${all.map(({ id }) => id).join(', ')})`,
    }));
  for (const { address, fields } of resources) {
    // Safe: `fetchEnvironment` has made it.
    const { organization } = (fields['credential'] ?? {}) as { organization?: string };
    if (organization === undefined || organizationCredentials.get(organization) !== null) continue;
    const message = `${address}: the organization has several credentials ${JSON.stringify(organization)}`;
    faults.push({ line: 0, column: 0, message });
  }
  if (faults.length > 0)
    throw new ApplyFault('A file tells things apart by their names. Rename these first:', faults);
}

async function fieldsOf(one: Actual, defaults: HookDefaults): Promise<Fields> {
  if (one.kind === 'incoming_hook') return await incomingFields(one, defaults);
  if (one.kind === 'outgoing_hook') return await outgoingFields(one, defaults);
  return unlessDefault(one, one.kind === 'pipeline' ? { default_steps: hasDefaultSteps(one) } : {});
}

/** What differs from `base`, and for what that does not say, from what is left out. */
function unlessDefault({ kind, fields }: Actual, base: Fields): Fields {
  const written = Object.entries(kinds[kind].fields).flatMap(([field, row]): [string, unknown][] => {
    const value = fields[field] ?? null;
    const usual = base[field] ?? row.default ?? null;
    // The key of a server never leaves it, and nobody but Hookline may ever have had it.
    if (field === 'ssh_private_key' || isDeepStrictEqual(value, usual)) return [];
    return [[field, value]];
  });
  return Object.fromEntries(written);
}

function inOrder({ kind }: Actual, fields: Fields): Fields {
  const known = Object.keys(kinds[kind].fields).filter((field) => fields[field] !== undefined);
  return Object.fromEntries(known.map((field) => [field, fields[field]]));
}

/** Fields that change what the others are when they are left out. */
const deciding = ['trigger_when.events', 'requires_secret', 'signature_scheme'];

async function incomingFields(one: Actual, defaults: HookDefaults): Promise<Fields> {
  const { fields } = one;
  const { preset = null } = fields;
  const asked: Fields = preset === null ? {} : { preset };
  if (preset !== null && fields['trigger_when.branches'])
    asked['trigger_when.branches'] = fields['trigger_when.branches'];
  let base = await defaults(one, asked);
  // With conditions and nothing else a hook has no branches.
  if (isKnown(base) && base['trigger_when.branches'] && !fields['trigger_when.branches'] && preset !== null) {
    asked['trigger_when.conditions'] = fields['trigger_when.conditions'];
    base = await defaults(one, asked);
  }
  for (const field of deciding) {
    const value = fields[field] ?? null;
    if (!isKnown(base) || isDeepStrictEqual(value, base[field] ?? null) || value === null) continue;
    asked[field] = value;
    base = await defaults(one, asked);
  }
  // Who may not ask writes everything, as left out would mean what the preset says.
  if (!isKnown(base)) return allFields(one);
  return inOrder(one, { ...unlessDefault(one, base), ...asked });
}

async function outgoingFields(one: Actual, defaults: HookDefaults): Promise<Fields> {
  const { preset = null } = one.fields;
  if (preset === null) return unlessDefault(one, {});
  const bare = await outgoingDefaults(one, { preset, hasAddress: false }, defaults);
  const base = isKnown(bare) ? bare : await outgoingDefaults(one, { preset, hasAddress: true }, defaults);
  if (!isKnown(base)) return allFields(one);
  // An address that was made up is nobody's default.
  const { target_url, ...rest } = base;
  return unlessDefault(one, isKnown(bare) ? { target_url, ...rest } : rest);
}

function isKnown(base: Fields | HooklineError | null): base is Fields {
  return base !== null && !(base instanceof HooklineError);
}

function allFields(one: Actual): Fields {
  return inOrder(one, Object.fromEntries(Object.entries(one.fields).filter(([, value]) => value !== null)));
}

type Names = (words: string[]) => string;

/** Names for environment variables, each once. */
function createNames(): Names {
  const taken = new Set<string>();
  return (words) => {
    const text = words
      .join('_')
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '');
    const base = /^[A-Z]/.test(text) ? text : `SECRET_${text}`.replace(/_$/, '');
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}_${count}`;
    taken.add(name);
    return name;
  };
}

const wordsOf: Record<string, string> = {
  'settings.access_token': 'ACCESS_TOKEN',
  target_url: 'URL',
  secret: 'SECRET',
  'tls.client_key': 'CLIENT_KEY',
  value: '',
};

/** References in the place of what answers show masked. */
function withNames(one: Actual, fields: Fields, names: Names): Fields {
  const path: string[] = [];
  for (let at: Actual | null = one; at; at = at.owner) path.unshift(at.name);
  const reference = (...words: string[]) => ({ env: names([...path, ...words].filter(Boolean)) });
  const isMasked = (value: unknown) => typeof value === 'string' && value.includes(mask);
  const inBody = (value: unknown, keys: string[]): unknown => {
    if (isMasked(value)) return { $secret: reference(...(keys.length > 0 ? keys.slice(-1) : ['BODY'])) };
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => inBody(item, keys));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, inBody(item, [...keys, key])]),
    );
  };
  const named = Object.entries(fields).map(([field, value]): [string, unknown] => {
    if (field === 'settings.request_body') return [field, inBody(value, [])];
    if (field === 'settings.request_headers' && Array.isArray(value)) {
      const headers = value.map((header: { name: string; value: unknown }) => ({
        ...header,
        value: isMasked(header.value) ? reference(header.name) : header.value,
      }));
      return [field, headers];
    }
    const isSecret = kinds[one.kind].fields[field]?.isSecret || field === 'value' || field === 'target_url';
    return isSecret && isMasked(value) ? [field, reference(wordsOf[field] ?? field)] : [field, value];
  });
  return Object.fromEntries(named);
}
