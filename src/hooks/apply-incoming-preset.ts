import { isDeepStrictEqual } from 'node:util';
import { invalid } from '../platform/errors.ts';
import { withoutNullFields, type IncomingInput } from './define-incoming.ts';
import type { HookVariable, IncomingCondition, IncomingDefinition, IncomingEvent } from './definition.ts';
import { incomingPreset, type IncomingPreset } from './incoming-presets.ts';
import type { SignatureSchemeName } from './signature-schemes.ts';

/**
 * Completes what was given by what the preset says; what is given goes first, of variables each by its name. Without
 * `branches` pushes to `defaultBranch` count, or to any branch where there is none. Throws `invalid`.
 */
export function applyIncomingPreset(
  name: IncomingPreset | null,
  given: IncomingInput,
  defaultBranch: string | null,
): IncomingInput {
  checkWish(name, given);
  if (name === null) return given;
  const row = incomingPreset(name);
  const wish = {
    events: given.trigger_when?.events ?? [...row.usualEvents],
    branches: given.trigger_when?.branches ?? (defaultBranch === null ? [] : [defaultBranch]),
  };
  const made = row.make(wish);
  const isUnsigned = given.requires_secret === false;
  return {
    ...given,
    name: given.name ?? row.name,
    signature_scheme: given.signature_scheme ?? (isUnsigned ? null : schemeOf(name, given)),
    settings: {
      variables: overlay(made.variables, given.settings?.variables ?? []),
      delivery_id_paths: given.settings?.delivery_id_paths ?? row.deliveryIdPaths,
    },
    trigger_when: {
      conditions: given.trigger_when?.conditions ?? made.conditions,
      events: wish.events,
      ...(row.events.includes('push') ? { branches: wish.branches } : {}),
    },
  };
}

/**
 * A change of a hook's `events` or `branches` as a change of what the preset had made of them. What was changed by hand
 * since, or is given now, stays as it is. Throws `invalid` when that is the conditions, which nobody else can mend.
 */
export function reapplyIncomingPreset(
  name: IncomingPreset | null,
  input: IncomingInput,
  old: IncomingDefinition,
): IncomingInput {
  const signature_scheme = input.signature_scheme ?? impliedScheme(name, input, old);
  const given = { ...input, signature_scheme };
  const before = { events: old.events ?? [], branches: old.branches ?? [] };
  const { events = before.events, branches = before.branches } = given.trigger_when ?? {};
  const wish = { events, branches };
  if (isDeepStrictEqual(wish, before)) return given;
  checkWish(name, given);
  if (name === null) return given;
  const row = incomingPreset(name);
  const was = row.make(before);
  const made = row.make(wish);
  // Whoever sends an answer back with other branches has not given the conditions anew.
  const own = given.trigger_when?.conditions;
  const areMade = isSame(old.conditions, was.conditions);
  const isOwn = own !== undefined && !(areMade && isSame(own, old.conditions));
  if (!isOwn && !areMade) {
    const message = 'cannot be changed for you: the conditions were changed by hand. Give them too';
    throw invalid([{ field: 'trigger_when.conditions', message }]);
  }
  const variables = (given.settings?.variables ?? old.variables).filter(
    (variable) => !was.variables.some((one) => isDeepStrictEqual(one, withoutNullFields(variable))),
  );
  return {
    ...given,
    settings: { ...given.settings, variables: overlay(made.variables, variables) },
    trigger_when: { conditions: isOwn ? own : made.conditions, events, branches },
  };
}

function schemeOf(name: IncomingPreset, { secret }: IncomingInput): SignatureSchemeName {
  const { scheme, schemeOfSigningSecrets } = incomingPreset(name);
  return (secret?.startsWith('whsec_') ? schemeOfSigningSecrets : undefined) ?? scheme;
}

/** A hook that is to be signed again, or gets a secret that only another scheme takes, has the scheme of its preset. */
function impliedScheme(
  name: IncomingPreset | null,
  given: IncomingInput,
  old: IncomingDefinition,
): SignatureSchemeName | undefined {
  if (name === null) return undefined;
  const { scheme } = incomingPreset(name);
  const wanted = schemeOf(name, given);
  if (given.requires_secret === true && !old.requires_secret) return wanted;
  return wanted !== scheme && old.signature_scheme === scheme ? wanted : undefined;
}

/** Answers have the fields that a strict client of the reference asks for. */
function isSame(some: IncomingCondition[], others: IncomingCondition[]): boolean {
  const complete = (conditions: IncomingCondition[]) =>
    conditions.map((condition) => ({
      ...withoutNullFields(condition),
      accepted_values: condition.accepted_values ?? [],
    }));
  return isDeepStrictEqual(complete(some), complete(others));
}

function overlay(made: HookVariable[], given: HookVariable[]): HookVariable[] {
  const names = new Set(given.map(({ name }) => name));
  return [...made.filter(({ name }) => !names.has(name)), ...given];
}

/** What git allows of the name of a branch, and `*` and `?` for patterns. */
const branchName = /^[^\s~^:[\\]+$/;

function checkWish(preset: IncomingPreset | null, { trigger_when }: IncomingInput): void {
  const { events, branches } = trigger_when ?? {};
  const fault = (field: 'events' | 'branches', message: string) =>
    invalid([{ field: `trigger_when.${field}`, message }]);
  if (preset === null) {
    const field = events === undefined ? 'branches' : 'events';
    if (trigger_when?.[field] === undefined) return;
    throw fault(field, 'needs a preset, which knows what they are called; else give conditions');
  }
  const known: readonly IncomingEvent[] = incomingPreset(preset).events;
  if (branches !== undefined && !known.includes('push'))
    throw fault('branches', `are of pushes, and the preset ${preset} knows none`);
  const unfit = branches?.find((branch) => !branchName.test(branch));
  if (unfit !== undefined)
    throw fault('branches', `${JSON.stringify(unfit)} is no branch, nor a pattern of * and ?`);
  const unknown = (events ?? []).filter((event) => !known.includes(event));
  if (unknown.length === 0) return;
  const has = known.length > 0 ? `Its events are ${known.join(', ')}` : 'It has none to choose from';
  throw fault('events', `${unknown.join(', ')} is none of the preset ${preset}. ${has}`);
}
