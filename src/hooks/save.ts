import { randomBytes, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { resourceColumns, type ResourceType } from '../inventory/resource.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { isDeeperThan } from '../platform/dotted-path.ts';
import { AppError, invalid, type FieldError } from '../platform/errors.ts';
import { mask, type SecretBox } from '../platform/secret-box.ts';
import { compileOutgoing } from './compile-outgoing.ts';
import {
  mostLevels,
  typeOf,
  type EventName,
  type HookVariable,
  type IncomingCondition,
  type IncomingDefinition,
  type OutgoingCondition,
  type OutgoingDefinition,
  type SecretAlgorithm,
  type VariableType,
} from './definition.ts';
import { maskHeaderTemplate } from './sensitive-headers.ts';
import { maskBodyTemplate, maskUrlTemplate, writtenSecrets } from './written-secrets.ts';
import {
  countHooks,
  insertHook,
  openIncoming,
  openOutgoing,
  sealDefinition,
  updateHook,
  type HookRow,
} from './store.ts';

/** The caller tells the others, by the bus, when the change is committed. */
export type SaveContext = { db: Db; clock: Clock; box: SecretBox };

/** Where a new hook hangs: on a pipeline (today's form), or on a resource and operation (the older form). */
export type HookOwner = {
  environmentId: number;
  pipelineId: number | null;
  resourceType: ResourceType;
  resourceId: number;
  actionType: string;
  userId: number;
};

export type IncomingInput = {
  name?: string | undefined;
  active?: boolean | undefined;
  requires_secret?: boolean | undefined;
  secret?: string | undefined;
  secret_algorithm?: SecretAlgorithm | null | undefined;
  secret_header_name?: string | null | undefined;
  settings?: { variables?: HookVariable[] | undefined } | null | undefined;
  trigger_when?: { conditions?: IncomingCondition[] | undefined } | null | undefined;
};

export type OutgoingInput = {
  name?: string | undefined;
  active?: boolean | undefined;
  target_url?: string | undefined;
  verify_ssl?: boolean | undefined;
  settings?:
    | {
        request_headers?: { name: string; value: string }[] | undefined;
        request_body?: OutgoingDefinition['request_body'] | undefined;
      }
    | null
    | undefined;
  trigger_when?:
    | { events?: EventName[] | undefined; conditions?: OutgoingCondition[] | undefined }
    | null
    | undefined;
};

/** Of one resource: each event looks at all of them. */
const mostHooks = 200;

const leastSecret = 8;
const shortSecret = { field: 'secret', message: `must have at least ${leastSecret} characters` };
const defaultAlgorithm = 'sha256';
const defaultHeader = 'x-hub-signature-256';
const defaultEvents: EventName[] = ['action.started', 'action.completed', 'action.failed'];

/** Returns the row and, this once, the secret in plain text (empty when the hook takes unsigned requests). */
export async function createIncomingHook(
  context: SaveContext,
  owner: HookOwner,
  input: IncomingInput & { name: string },
): Promise<{ row: HookRow; secret: string }> {
  const definition = incomingDefinition(input, null);
  const secret = definition.requires_secret ? (givenSecret(input) ?? randomBytes(32).toString('hex')) : '';
  const row = await insert(context, owner, input, 'in', definition, secret);
  return { row, secret };
}

export async function createOutgoingHook(
  context: SaveContext,
  owner: HookOwner,
  input: OutgoingInput & { name: string; target_url: string },
): Promise<HookRow> {
  return await insert(context, owner, input, 'out', outgoingDefinition(input, null), '');
}

/** What the input leaves out is kept, the secret too. Returns the secret in plain text when it was made anew. */
export async function changeIncomingHook(
  context: SaveContext,
  row: HookRow,
  input: IncomingInput,
): Promise<void> {
  const definition = incomingDefinition(input, openIncoming(context.box, row));
  const { requires_secret } = definition;
  const secret = givenSecret(input);
  if (requires_secret && row.secret_sealed === null && secret === undefined) {
    throw invalid([{ field: 'secret', message: 'is required, since this hook has had none' }]);
  }
  const secret_sealed =
    secret !== undefined ? context.box.seal(secret, 'hook secret') : requires_secret ? undefined : null;
  await change(context, row, input, definition, secret_sealed);
}

/**
 * Gives an incoming hook a new secret and returns it, this once. The old one goes on being accepted until `validUntil`
 * (ms since 1970), so that the sender can be changed in peace. Throws `conflict` for a hook without a secret.
 */
export async function rotateHookSecret(
  { db, clock, box }: SaveContext,
  row: HookRow,
  input: { secret?: string | undefined; validForSeconds: number },
): Promise<{ secret: string; validUntil: number }> {
  if (row.secret_sealed === null)
    throw new AppError('conflict', 'This hook takes unsigned requests: it has no secret to rotate.');
  const given = givenSecret(input);
  if (given !== undefined && given.length < leastSecret) throw invalid([shortSecret]);
  const secret = given ?? randomBytes(32).toString('hex');
  const now = clock.now();
  const validUntil = now + input.validForSeconds * 1000;
  await updateHook(db, row.id, {
    secret_sealed: box.seal(secret, 'hook secret'),
    previous_secret_sealed: row.secret_sealed,
    previous_secret_expires_at: validUntil,
    updated_at: now,
  });
  return { secret, validUntil };
}

export async function changeOutgoingHook(
  context: SaveContext,
  row: HookRow,
  input: OutgoingInput,
): Promise<void> {
  const definition = outgoingDefinition(input, openOutgoing(context.box, row));
  await change(context, row, input, definition, undefined);
}

async function insert(
  { db, clock, box }: SaveContext,
  owner: HookOwner,
  input: { name: string; active?: boolean | undefined },
  direction: 'in' | 'out',
  definition: IncomingDefinition | OutgoingDefinition,
  secret: string,
): Promise<HookRow> {
  if ((await countHooks(db, owner.resourceType, owner.resourceId)) >= mostHooks) {
    throw new AppError(
      'conflict',
      `A ${owner.resourceType} has at most ${mostHooks} hooks. Delete some first.`,
    );
  }
  const now = clock.now();
  const row = await insertHook(db, {
    uuid: randomUUID(),
    direction,
    ...resourceColumns(owner.resourceType, owner.resourceId),
    environment_id: owner.environmentId,
    pipeline_id: owner.pipelineId,
    action_type: owner.actionType,
    name: input.name,
    active: input.active === false ? 0 : 1,
    definition_sealed: sealDefinition(box, definition),
    secret_sealed: secret ? box.seal(secret, 'hook secret') : null,
    previous_secret_sealed: null,
    previous_secret_expires_at: null,
    created_by: owner.userId,
    created_at: now,
    updated_at: now,
  });
  return row;
}

async function change(
  { db, clock, box }: SaveContext,
  row: HookRow,
  input: { name?: string | undefined; active?: boolean | undefined },
  definition: IncomingDefinition | OutgoingDefinition,
  /** Undefined keeps what is there now, which a rotation of the key may have sealed anew since it was read. */
  secret_sealed: string | null | undefined,
): Promise<void> {
  await updateHook(db, row.id, {
    name: input.name ?? row.name,
    active: (input.active ?? row.active === 1) ? 1 : 0,
    definition_sealed: sealDefinition(box, definition),
    // A secret that was set or taken away on purpose ends the one before it.
    ...(secret_sealed === undefined
      ? {}
      : { secret_sealed, previous_secret_sealed: null, previous_secret_expires_at: null }),
    updated_at: clock.now(),
  });
}

/** Throws `invalid` with every fault. */
function incomingDefinition(input: IncomingInput, old: IncomingDefinition | null): IncomingDefinition {
  const secret = givenSecret(input);
  // Whoever names a secret, an algorithm or a header wants signatures, also if the flag itself was forgotten or misspelt.
  const wantsSecret = secret !== undefined || Boolean(input.secret_algorithm ?? input.secret_header_name);
  const requires_secret = input.requires_secret ?? (wantsSecret || (old?.requires_secret ?? false));
  const variables = input.settings?.variables ?? old?.variables ?? [];
  const faults: FieldError[] = [];
  const names = variables.map(({ name }) => name);
  variables.forEach((variable, index) => {
    const { name, default_value } = variable;
    const type = typeOf(variable);
    if (names.indexOf(name) !== index) {
      faults.push({ field: `settings.variables.${index}.name`, message: `repeats the name "${name}"` });
    }
    if (isDeeperThan(default_value, mostLevels)) {
      const message = `must not be nested more than ${mostLevels} levels deep`;
      faults.push({ field: `settings.variables.${index}.default_value`, message });
    }
    if (default_value !== undefined && default_value !== null && !isOfType(default_value, type)) {
      faults.push({
        field: `settings.variables.${index}.default_value`,
        message: `must be of the variable's type, ${type}`,
      });
    }
  });
  if (secret !== undefined && secret.length < leastSecret) faults.push(shortSecret);
  if (faults.length > 0) throw invalid(faults);
  return {
    requires_secret,
    secret_algorithm: requires_secret
      ? (input.secret_algorithm ?? old?.secret_algorithm ?? defaultAlgorithm)
      : null,
    secret_header_name: requires_secret
      ? (input.secret_header_name ?? old?.secret_header_name ?? defaultHeader).toLowerCase()
      : null,
    variables,
    conditions: input.trigger_when?.conditions ?? old?.conditions ?? [],
  };
}

/** The mask, or nothing, as answers show a secret, is no secret: sending such an answer back changes nothing. */
function givenSecret({ secret }: Pick<IncomingInput, 'secret'>): string | undefined {
  return secret === undefined || secret === mask || secret === '' ? undefined : secret;
}

function isOfType(value: unknown, type: VariableType): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}

/** Throws `invalid` with every fault. */
function outgoingDefinition(input: OutgoingInput, old: OutgoingDefinition | null): OutgoingDefinition {
  const definition: OutgoingDefinition = {
    target_url: keepMaskedUrl(input.target_url, old?.target_url ?? ''),
    verify_ssl: input.verify_ssl ?? old?.verify_ssl ?? true,
    request_headers: keepMasked(input.settings?.request_headers, old?.request_headers ?? []),
    request_body: keepMaskedBody(input.settings?.request_body, old?.request_body ?? null),
    events: input.trigger_when?.events ?? old?.events ?? defaultEvents,
    conditions: input.trigger_when?.conditions ?? old?.conditions ?? [],
  };
  const { faults } = compileOutgoing(definition);
  faults.push(...headerFaults(definition.request_headers));
  faults.push(...urlFaults(definition.target_url));
  if (old) faults.push(...carriedSecretFaults(input, old, definition));
  if (faults.length > 0) throw invalid(faults);
  return definition;
}

/**
 * Whoever sends a hook to another host must know the secrets that it is to send there: those that are only kept, as
 * nobody is shown them, do not move along.
 */
function carriedSecretFaults(
  input: OutgoingInput,
  old: OutgoingDefinition,
  changed: OutgoingDefinition,
): FieldError[] {
  if (hostOf(changed.target_url) === hostOf(old.target_url)) return [];
  const message = 'must be given anew, since the hook is to send to another host';
  const given = input.settings?.request_headers ?? [];
  const headers = changed.request_headers.flatMap(({ name, value }, index) => {
    const isSecret = maskHeaderTemplate(name, value) !== value;
    const isKnown = given.some((header) => header.name === name && header.value === value);
    return isSecret && !isKnown ? [{ field: `settings.request_headers.${index}.value`, message }] : [];
  });
  const plain = JSON.stringify(input.settings?.request_body ?? '');
  const kept = JSON.stringify(changed.request_body);
  const isCarried = writtenSecrets({ target_url: '', request_body: changed.request_body }).some((secret) => {
    const text = JSON.stringify(secret).slice(1, -1);
    return kept.includes(text) && !plain.includes(text);
  });
  return isCarried ? [...headers, { field: 'settings.request_body', message }] : headers;
}

/** Scheme and host of a URL template, as they are written. */
function hostOf(url: string): string {
  return (/^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? url).toLowerCase();
}

/** An answer shows sensitive values masked; sending such an answer back keeps what was there. */
function keepMasked(
  given: { name: string; value: string }[] | undefined,
  old: { name: string; value: string }[],
): { name: string; value: string }[] {
  if (!given) return old;
  return given.map((header) => {
    const same = old.find(
      ({ name, value }) => name === header.name && maskHeaderTemplate(name, value) === header.value,
    );
    return same ?? header;
  });
}

function keepMaskedUrl(given: string | undefined, old: string): string {
  return given === undefined || given === maskUrlTemplate(old) ? old : given;
}

function keepMaskedBody(
  given: OutgoingDefinition['request_body'] | undefined,
  old: OutgoingDefinition['request_body'],
): OutgoingDefinition['request_body'] {
  if (given === undefined) return old;
  // Safe: each part is the given one, or the old one that stands in the same place and is shown like it.
  return keepMaskedPart(given, maskBodyTemplate(old), old) as OutgoingDefinition['request_body'];
}

function keepMaskedPart(given: unknown, shown: unknown, old: unknown): unknown {
  if (isDeepStrictEqual(given, shown)) return old;
  if (!isContainer(given) || !isContainer(shown) || !isContainer(old)) return given;
  const kept = Object.entries(given).map(([key, part]): [string, unknown] => [
    key,
    Object.hasOwn(shown, key) ? keepMaskedPart(part, shown[key], old[key]) : part,
  ]);
  return Array.isArray(given) ? kept.map(([, part]) => part) : Object.fromEntries(kept);
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Headers that belong to the connection, or that Hookline sets itself. */
const reservedHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'webhook-id',
  'webhook-timestamp',
]);

function headerFaults(headers: OutgoingDefinition['request_headers']): FieldError[] {
  return headers.flatMap(({ name }, index) =>
    reservedHeaders.has(name.toLowerCase())
      ? [
          {
            field: `settings.request_headers.${index}.name`,
            message: `${name} is set by Hookline; leave it out`,
          },
        ]
      : [],
  );
}

function urlFaults(url: string): FieldError[] {
  const field = 'target_url';
  if (url.includes(mask)) {
    return [
      { field, message: `shows a secret as ${mask}; leave the address out to keep it, or give all of it` },
    ];
  }
  const placeholder = /<[a-z][a-z0-9_ -]*>/i.exec(url);
  if (placeholder)
    return [{ field, message: `still holds the placeholder ${placeholder[0]}; put the real value there` }];
  if (!/^https?:\/\/[^/\s]/i.test(url)) return [{ field, message: 'must begin with https:// or http://' }];
  if (/^https?:\/\/[^/{}?#]*@/i.test(url)) {
    return [{ field, message: 'must not hold a name and password; send them in an Authorization header' }];
  }
  return [];
}
