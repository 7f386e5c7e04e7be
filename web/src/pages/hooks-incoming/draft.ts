import type { Hook, HookVariable, IncomingCondition, IncomingHookUpdate } from '#sdk';
import type { HookEvent } from './presets.ts';

/** A hook as it is being edited. What its type knows as absent is absent here too, so that an unchanged part stays as it is. */
export type Draft = {
  name: string;
  requires_secret: boolean;
  /** A new one; empty keeps what there is. */
  secret: string;
  /** Of these, what is left out of a changed scheme takes the scheme's own. */
  signature_scheme: IncomingHookUpdate['signature_scheme'];
  secret_algorithm: IncomingHookUpdate['secret_algorithm'];
  secret_header_name: string | null | undefined;
  signature_encoding: IncomingHookUpdate['signature_encoding'];
  signature_prefix: string | null | undefined;
  delivery_id_paths: string[];
  variables: HookVariable[];
  conditions: IncomingCondition[];
  events: HookEvent[];
  branches: string[];
  rate_limit_per_minute: number | null;
};

export function draftOf(hook: Hook): Draft {
  return {
    name: hook.name,
    requires_secret: hook.requires_secret,
    secret: '',
    // Safe, here and below: the server's words for an incoming hook.
    signature_scheme: hook.signature_scheme as Draft['signature_scheme'],
    secret_algorithm: hook.secret_algorithm as Draft['secret_algorithm'],
    secret_header_name: hook.secret_header_name,
    signature_encoding: hook.signature_encoding as Draft['signature_encoding'],
    signature_prefix: hook.signature_prefix,
    delivery_id_paths: hook.settings.delivery_id_paths ?? [],
    variables: hook.settings.variables ?? [],
    conditions: hook.trigger_when.conditions as IncomingCondition[],
    events: (hook.trigger_when.events ?? []) as HookEvent[],
    branches: hook.trigger_when.branches ?? [],
    rate_limit_per_minute: hook.rate_limit_per_minute,
  };
}

/** What is other than in the hook, as a change of it; null when nothing is. */
export function changeOf(hook: Hook, draft: Draft): IncomingHookUpdate | null {
  const before = draftOf(hook);
  const isOther = (key: keyof Draft) => JSON.stringify(before[key]) !== JSON.stringify(draft[key]);
  const pick = (...keys: (keyof Draft)[]) =>
    Object.fromEntries(keys.filter(isOther).map((key) => [key, draft[key]]));
  const settings = pick('variables', 'delivery_id_paths');
  const trigger_when = pick('conditions', 'events', 'branches');
  const change: IncomingHookUpdate = {
    ...pick('name', 'secret', 'rate_limit_per_minute'),
    ...pick('requires_secret'),
    ...(draft.requires_secret
      ? pick(
          'signature_scheme',
          'secret_algorithm',
          'secret_header_name',
          'signature_encoding',
          'signature_prefix',
        )
      : {}),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
    ...(Object.keys(trigger_when).length > 0 ? { trigger_when } : {}),
  };
  return Object.keys(change).length > 0 ? change : null;
}

/** A variable for what stands at a path, with a name that none of the others has. */
export function variableAt(path: string, value: unknown, others: HookVariable[]): HookVariable {
  const words = path
    .replace(/^\$(headers|query)\./, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .split('.')
    .map((word) => word.replaceAll(/[^A-Za-z0-9_]+/g, '_'))
    .filter((word) => word !== '' && !/^-?\d+$/.test(word));
  const short = (words.at(-1) ?? 'value').toLowerCase();
  const long = words.slice(-2).join('_').toLowerCase();
  const taken = new Set(others.map(({ name }) => name.toUpperCase()));
  const name = [short, long, ...Array.from({ length: 200 }, (_, index) => `${short}_${index + 2}`)]
    .map((one) => (/^\d/.test(one) ? `_${one}` : one).slice(0, 60))
    .find((one) => !taken.has(one.toUpperCase()));
  return { name: name ?? short, path, type: typeOfValue(value) };
}

/** A condition that what stands at a path meets as it is. */
export function conditionAt(path: string, value: unknown): IncomingCondition {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
  const [, place, name] = /^\$(headers|query)\.(.+)$/.exec(path) ?? [];
  const at =
    place === undefined || name === undefined
      ? { type: 'request_body' as const, path }
      : { type: place === 'headers' ? ('request_header' as const) : ('request_query' as const), path: name };
  return isPlain ? { ...at, accepted_values: [String(value)] } : { ...at, exists: true };
}

function typeOfValue(value: unknown): NonNullable<HookVariable['type']> {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' && Number.isInteger(value)) return 'integer';
  return typeof value === 'boolean' ? 'boolean' : 'string';
}
