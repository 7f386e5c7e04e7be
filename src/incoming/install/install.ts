import { eventsOf, findInstallation, type InstallationRow } from '../../hooks/installations.ts';
import type { IncomingDefinition } from '../../hooks/definition.ts';
import { triggerUrl } from '../../hooks/present.ts';
import { openIncoming, type HookRow } from '../../hooks/store.ts';
import type { Db } from '../../platform/database/connect.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import type { ProviderHost } from '../../inventory/credentials/provider-api.ts';
import { checkInstallable, secretFor } from './fits-provider.ts';
import { installedAt, placeOf, type Place } from './place.ts';
import { providerCalls, type CallContext, type ProviderCalls } from './provider-calls.ts';
import {
  eventsAt,
  eventWords,
  providerRow,
  repositoryName,
  type EventWord,
  type ProviderHook,
  type Repository,
  type WantedHook,
} from './provider-hooks.ts';
import { checkReachable } from './reachable.ts';

export type InstallContext = CallContext & { db: Db; box: SecretBox; publicUrl: () => string };

export type Installed = {
  installation: InstallationRow;
  created: boolean;
  url: string;
  settingsUrl: string;
  warnings: string[];
  /** Takes the webhook away again, as far as that succeeds: for a hook that was deleted meanwhile. */
  undo: () => Promise<void>;
};

export type Uninstalled = {
  provider: string;
  repository: string;
  /** Whether there was a webhook to take away. */
  removed: boolean;
  settingsUrl: string;
  warnings: string[];
};

/**
 * What the provider tells of: what was asked for, what the preset of the hook is for, what it told of before, or everything
 * that can lead to a deployment.
 */
function wantedEvents(
  host: ProviderHost,
  given: EventWord[] | undefined,
  { events = [] }: Pick<IncomingDefinition, 'events'>,
  before: InstallationRow | null,
): string[] {
  const own = eventWords.filter((word) => events.includes(word));
  if (given === undefined && own.length === 0 && before !== null) return eventsOf(before);
  return eventsAt(host, given ?? (own.length > 0 ? own : eventWords));
}

/**
 * Registers an incoming hook at the provider of its application's repository, or brings what is registered there up to
 * date. Done twice, also at once or on two nodes, it leaves one webhook. Writes nothing to the database: what is returned
 * is to be kept. Throws AppError `conflict`, `too_many` or `unavailable`, with what is to be done.
 */
export async function install(
  context: InstallContext,
  hook: HookRow,
  input: { events: EventWord[] | undefined },
): Promise<Installed> {
  const { db, clock } = context;
  const definition = openIncoming(context.box, hook);
  checkInstallable(definition);
  const place = await placeOf(context, hook);
  const { provider, repository } = place;
  const { host } = repository;
  const [secret = null] = secretsOf(context, hook);
  const url = triggerUrl(context.publicUrl(), hook.uuid);
  const warnings = checkReachable(context.publicUrl(), provider, repository);
  const before = await findInstallation(db, hook.id);
  const old = installedAt(place, before);
  const isSamePlace = before !== undefined && old === repository;
  const wanted: WantedHook = {
    url,
    secret: secretFor(definition, secret, host),
    events: wantedEvents(host, input.events, definition, isSamePlace ? before : null),
    title: `Hookline: ${hook.name}`,
  };
  const calls = callsTo(context, place, repository, hook);
  const ours = matcher(hook.uuid, isSamePlace ? before.provider_hook_id : null);
  const registered = await register(calls, ours, wanted);
  warnings.push(...registered.doubts);
  if (hook.active !== 1)
    warnings.push('The hook is not active: what the provider sends is answered 404 until it is.');
  if (before && !isSamePlace) warnings.push(...(await leave(context, place, hook, before)));
  return {
    installation: {
      hook_id: hook.id,
      provider,
      api_url: repository.base,
      repository: repositoryName(repository),
      provider_hook_id: registered.hook.id,
      events: JSON.stringify(wanted.events),
      installed_at: clock.now(),
    },
    created: registered.created,
    url,
    settingsUrl: providerRow(host).settingsUrl(repository),
    warnings,
    undo: () =>
      calls.remove(registered.hook).then(
        () => {},
        () => {},
      ),
  };
}

/** Takes the webhook away at the provider; one that is gone already counts as taken away. */
export async function uninstall(context: InstallContext, hook: HookRow): Promise<Uninstalled> {
  const place = await placeOf(context, hook);
  const before = await findInstallation(context.db, hook.id);
  const old = installedAt(place, before);
  const repository = old ?? place.repository;
  const calls = callsTo(context, place, repository, hook);
  const removed = await removeAll(calls, matcher(hook.uuid, old && before ? before.provider_hook_id : null));
  return {
    provider: place.provider,
    repository: repositoryName(repository),
    removed,
    settingsUrl: providerRow(repository.host).settingsUrl(repository),
    warnings: before && !old ? [leftBehind(before)] : [],
  };
}

function callsTo(
  context: InstallContext,
  place: Place,
  repository: Repository,
  hook: HookRow,
): ProviderCalls {
  const secrets = secretsOf(context, hook);
  return providerCalls(context, repository, { token: place.token, secrets });
}

/** The current one first, and the one before the last rotation; none of a hook that takes unsigned requests. */
function secretsOf({ box }: InstallContext, { secret_sealed, previous_secret_sealed }: HookRow): string[] {
  return [secret_sealed, previous_secret_sealed].flatMap((sealed) =>
    sealed === null ? [] : [box.open(sealed, 'hook secret')],
  );
}

type Ours = (hook: ProviderHook) => boolean;

/** By the id that was kept, or by the address: its last part stays the same when HOOKLINE_URL changes, and is nobody else's. */
function matcher(uuid: string, storedId: string | null): Ours {
  const path = `/hooks/${uuid}/trigger`;
  return ({ id, url }) =>
    id === storedId || (URL.parse(url)?.pathname ?? '').toLowerCase().endsWith(path.toLowerCase());
}

type Registered = { hook: ProviderHook; created: boolean; doubts: string[] };

async function register(calls: ProviderCalls, isOurs: Ours, wanted: WantedHook): Promise<Registered> {
  const known = await keepOne(calls, isOurs, wanted);
  if (known) return known;
  const made = await calls.create(wanted);
  // Who registers at the same moment may not have seen the other's webhook: both look again, and both keep the oldest.
  // Of GitHub, which takes no second one for an address, one of the two is refused and finds the other's.
  if (made.kind === 'refused' && made.status !== 422) throw made.error;
  const kept = await keepOne(calls, isOurs, wanted, made.kind === 'done' ? made.hook : undefined);
  if (kept && (made.kind === 'refused' || kept.hook.id !== made.hook.id)) return kept;
  if (made.kind === 'refused') throw made.error;
  return { ...made, created: true };
}

/** Brings the oldest of our webhooks up to date, unless it was `made` just now, and takes away the others. Null if there is none. */
async function keepOne(
  calls: ProviderCalls,
  isOurs: Ours,
  wanted: WantedHook,
  made?: ProviderHook,
): Promise<Registered | null> {
  const [oldest, ...others] = (await calls.list()).filter(isOurs).sort(byAge);
  if (!oldest) return null;
  const kept =
    oldest.id === made?.id ? { hook: made, doubts: [] } : await bringUpToDate(calls, oldest, wanted);
  if (!kept) return null;
  for (const other of others) await remove(calls, other);
  return { ...kept, created: false };
}

/** Null when it has gone meanwhile. Of a webhook that may be seen but not changed GitHub says 404 too. */
async function bringUpToDate(
  calls: ProviderCalls,
  hook: ProviderHook,
  wanted: WantedHook,
): Promise<Omit<Registered, 'created'> | null> {
  const updated = await calls.update(hook, wanted);
  if (updated.kind === 'done') return updated;
  if (updated.status !== 404 || (await isThere(calls, hook))) throw updated.error;
  return null;
}

async function removeAll(calls: ProviderCalls, isOurs: Ours): Promise<boolean> {
  const ours = (await calls.list()).filter(isOurs);
  for (const hook of ours) await remove(calls, hook);
  return ours.length > 0;
}

/** A 404 is good news only of a webhook that is not listed any more: GitHub says it to a token that may only read, too. */
async function remove(calls: ProviderCalls, hook: ProviderHook): Promise<void> {
  const refused = await calls.remove(hook);
  if (refused && (refused.status !== 404 || (await isThere(calls, hook)))) throw refused.error;
}

async function isThere(calls: ProviderCalls, { id }: ProviderHook): Promise<boolean> {
  return (await calls.list()).some((hook) => hook.id === id);
}

/** Takes away what is registered at a repository that the application has no more; says so where that cannot be. */
async function leave(
  context: InstallContext,
  place: Place,
  hook: HookRow,
  before: InstallationRow,
): Promise<string[]> {
  const old: Repository | null = installedAt(place, before);
  if (!old) return [leftBehind(before)];
  const calls = callsTo(context, place, old, hook);
  try {
    await removeAll(calls, matcher(hook.uuid, before.provider_hook_id));
    return [];
  } catch {
    return [leftBehind(before)];
  }
}

function leftBehind({ repository, provider_hook_id, api_url }: InstallationRow): string {
  return `The webhook ${provider_hook_id} that was installed for ${repository} at ${api_url} could not be taken away: delete it there.`;
}

function byAge(one: ProviderHook, other: ProviderHook): number {
  const numbers = [Number(one.id), Number(other.id)] as const;
  const byId = numbers.some(Number.isNaN) ? (one.id < other.id ? -1 : 1) : numbers[0] - numbers[1];
  return one.createdAt - other.createdAt || byId;
}
