import { randomBytes, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { findApplication } from '../inventory/applications/store.ts';
import { resourceColumns, type ResourceType } from '../inventory/resource.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, invalid } from '../platform/errors.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { applyPreset } from './apply-outgoing-preset.ts';
import { checkSecret, givenSecret, incomingDefinition, type IncomingInput } from './define-incoming.ts';
import { applyIncomingPreset, reapplyIncomingPreset } from './apply-incoming-preset.ts';
import type { IncomingPreset } from './incoming-presets.ts';
import { outgoingDefinition, type OutgoingInput } from './define-outgoing.ts';
import type { IncomingDefinition, OutgoingDefinition } from './definition.ts';
import { tryAtOnce } from './health.ts';
import type { OutgoingPreset } from './outgoing-presets.ts';
import { signatureScheme } from './signature-schemes.ts';
import { givenSigningSecret, newSigningSecret } from './signing-secret.ts';
import {
  countHooks,
  insertHook,
  keepHookVersion,
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

/** Of one resource: each event looks at all of them. */
const mostHooks = 200;

/**
 * Returns the row and, this once, the secret in plain text: empty when the hook takes unsigned requests, and when its sender
 * makes the secret and it was not given yet. Throws `invalid`.
 */
export async function createIncomingHook(
  context: SaveContext,
  owner: HookOwner,
  given: IncomingInput,
  preset: IncomingPreset | null,
): Promise<{ row: HookRow; secret: string }> {
  const application =
    owner.resourceType === 'application' ? await findApplication(context.db, owner.resourceId) : undefined;
  const input = applyIncomingPreset(preset, given, application?.default_branch ?? null);
  const { name } = input;
  if (name === undefined) throw invalid([{ field: 'name', message: 'is required without a preset' }]);
  const definition = incomingDefinition(input, null);
  const secret = definition.requires_secret ? (givenSecret(input) ?? newSecret(definition)) : '';
  const row = await insert(context, owner, { ...input, name, preset }, 'in', definition, secret);
  return { row, secret };
}

/** Empty when only the sender can make one. */
function newSecret({ signature_scheme }: IncomingDefinition): string {
  const { key, secretFrom } = signatureScheme(signature_scheme ?? 'hmac');
  if (secretFrom === 'sender') return '';
  return key === 'base64' ? newSigningSecret() : randomBytes(32).toString('hex');
}

/** Returns the row and, this once, the signing secret in plain text (empty when the hook does not sign). Throws `invalid`. */
export async function createOutgoingHook(
  context: SaveContext,
  owner: HookOwner,
  given: OutgoingInput,
  preset: OutgoingPreset | null,
): Promise<{ row: HookRow; secret: string }> {
  const input = preset === null ? given : await applyPreset(context, preset, owner, given);
  const { name, target_url } = input;
  if (name === undefined || target_url === undefined) {
    throw invalid(
      Object.entries({ name, target_url })
        .filter(([, value]) => value === undefined)
        .map(([field]) => ({ field, message: 'is required without a preset' })),
    );
  }
  const definition = outgoingDefinition(input, null);
  const secret = definition.signing ? (givenSigningSecret(input.secret) ?? newSigningSecret()) : '';
  const row = await insert(context, owner, { ...input, name, preset }, 'out', definition, secret);
  return { row, secret };
}

/** What the input leaves out is kept, the secret too. Throws `invalid` when a secret is wanted and there is none. */
export async function changeIncomingHook(
  context: SaveContext,
  row: HookRow,
  given: IncomingInput,
): Promise<void> {
  const old = openIncoming(context.box, row);
  const { input, definition } = changedIncoming(row, given, old);
  const { requires_secret, signature_scheme } = definition;
  const secret = givenSecret(input);
  const isOtherScheme = (signature_scheme ?? 'hmac') !== (old.signature_scheme ?? 'hmac');
  const { secretFrom } = signatureScheme(signature_scheme ?? 'hmac');
  // A hook whose sender makes the secret may wait for it: it refuses everything meanwhile.
  if (requires_secret && row.secret_sealed === null && secret === undefined && secretFrom === 'hookline') {
    throw invalid([{ field: 'secret', message: 'is required, since this hook has had none' }]);
  }
  if (requires_secret && row.secret_sealed !== null && secret === undefined) {
    const kept = context.box.open(row.secret_sealed, 'hook secret');
    if (isOtherScheme) checkSecret(kept, signature_scheme ?? 'hmac');
  }
  const secret_sealed =
    secret !== undefined ? context.box.seal(secret, 'hook secret') : requires_secret ? undefined : null;
  await change(context, row, input, definition, secret_sealed, isOtherScheme || secret_sealed !== undefined);
}

/** What a change makes of the definition of a hook. Throws `invalid`. */
export function changedIncoming(
  row: Pick<HookRow, 'preset'>,
  given: IncomingInput,
  old: IncomingDefinition,
): { input: IncomingInput; definition: IncomingDefinition } {
  // Safe: only names of presets are written.
  const input = reapplyIncomingPreset(row.preset as IncomingPreset | null, given, old);
  return { input, definition: incomingDefinition(input, old) };
}

/**
 * Gives a hook a new secret and returns it, this once. The old one stays valid until `validUntil` (ms since 1970), so that
 * the other side can be changed in peace: of an incoming hook both are accepted, an outgoing one signs with both. An
 * outgoing hook without a secret gets its first one, and signs from now on. Throws `conflict` for an incoming hook
 * without a secret.
 */
export async function rotateHookSecret(
  { db, clock, box }: SaveContext,
  row: HookRow,
  input: { secret?: string | undefined; validForSeconds: number },
): Promise<{ secret: string; validUntil: number }> {
  const isOutgoing = row.direction === 'out';
  const incoming = isOutgoing ? null : openIncoming(box, row);
  if (incoming && !incoming.requires_secret)
    throw new AppError('conflict', 'This hook takes unsigned requests: it has no secret to rotate.');
  const given = incoming ? givenSecret(input) : givenSigningSecret(input.secret);
  if (incoming && given !== undefined) checkSecret(given, incoming.signature_scheme ?? 'hmac');
  const secret = given ?? (incoming ? newSecret(incoming) : newSigningSecret());
  if (secret === '') throw invalid([{ field: 'secret', message: 'is required: its sender makes it' }]);
  const now = clock.now();
  const validUntil = now + input.validForSeconds * 1000;
  const definition = isOutgoing ? openOutgoing(box, row) : null;
  await updateHook(db, row.id, {
    secret_sealed: box.seal(secret, 'hook secret'),
    previous_secret_sealed: row.secret_sealed,
    previous_secret_expires_at: row.secret_sealed === null ? null : validUntil,
    ...(definition && !definition.signing
      ? { definition_sealed: sealDefinition(box, { ...definition, signing: true }) }
      : {}),
    updated_at: now,
  });
  return { secret, validUntil };
}

/**
 * What the input leaves out is kept. Somebody has looked at the hook: what was wrong with its receiver is forgotten, so
 * that it is tried at once.
 */
export async function changeOutgoingHook(
  context: SaveContext,
  row: HookRow,
  input: OutgoingInput,
): Promise<void> {
  const { db, box, clock } = context;
  const old = openOutgoing(box, row);
  const definition = outgoingDefinition(input, old);
  const given = givenSigningSecret(input.secret);
  if (definition.signing && row.secret_sealed === null && given === undefined) {
    const message = `is required, since this hook has had none; POST /api/hooks/outgoing/${row.uuid}/rotate-secret makes one`;
    throw invalid([{ field: 'secret', message }]);
  }
  const secret_sealed = !definition.signing
    ? null
    : given === undefined
      ? undefined
      : box.seal(given, 'hook secret');
  if (!isDeepStrictEqual(definition, old)) {
    await keepHookVersion(db, row, clock.now());
    await updateHook(db, row.id, { version: row.version + 1 });
  }
  await change(context, row, input, definition, secret_sealed);
  await tryAtOnce(db, row.id, clock.now());
}

async function insert(
  { db, clock, box }: SaveContext,
  owner: HookOwner,
  input: { name: string; active?: boolean | undefined; preset?: string | null },
  direction: 'in' | 'out',
  definition: IncomingDefinition | OutgoingDefinition,
  secret: string,
): Promise<HookRow> {
  if ((await countHooks(db, owner.resourceType, owner.resourceId)) >= mostHooks) {
    throw new AppError(
      'conflict',
      `${owner.resourceType === 'application' ? 'An application' : 'A server'} has at most ${mostHooks} hooks. Delete some first.`,
    );
  }
  const now = clock.now();
  return await insertHook(db, {
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
    preset: input.preset ?? null,
    disabled_at: null,
    disabled_reason: null,
    created_by: owner.userId,
    created_at: now,
    updated_at: now,
  });
}

async function change(
  { db, clock, box }: SaveContext,
  row: HookRow,
  input: { name?: string | undefined; active?: boolean | undefined },
  definition: IncomingDefinition | OutgoingDefinition,
  /** Undefined keeps what is there now, which a rotation of the key may have sealed anew since it was read. */
  secret_sealed: string | null | undefined,
  endsPrevious = secret_sealed !== undefined,
): Promise<void> {
  await updateHook(db, row.id, {
    name: input.name ?? row.name,
    active: (input.active ?? row.active === 1) ? 1 : 0,
    definition_sealed: sealDefinition(box, definition),
    // Whoever switches it on, or off himself, has seen that Hookline had switched it off.
    ...(input.active === undefined ? {} : { disabled_at: null, disabled_reason: null }),
    ...(secret_sealed === undefined ? {} : { secret_sealed }),
    // A secret that was set or taken away on purpose ends the one before it, and so does a scheme that it was not made for:
    // what is no base64 would be an empty key there.
    ...(endsPrevious ? { previous_secret_sealed: null, previous_secret_expires_at: null } : {}),
    updated_at: clock.now(),
  });
}
