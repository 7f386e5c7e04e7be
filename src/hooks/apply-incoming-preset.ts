import { isDeepStrictEqual } from 'node:util';
import { invalid } from '../platform/errors.ts';
import { withoutNullFields, type IncomingInput } from './define-incoming.ts';
import type { HookVariable, IncomingCondition, IncomingDefinition, IncomingEvent } from './definition.ts';
import { incomingPreset, type IncomingPreset } from './incoming-presets.ts';
import type { SignatureSchemeName } from './signature-schemes.ts';

/**
 * Completes what was given by what the preset says; what is given goes first, of variables each by its name. Conditions replace
 * those of the preset, or are added to them where `events` or `branches` are given too. Without
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
    branches: branchesOf(given) ?? (defaultBranch === null ? [] : [defaultBranch]),
  };
  const made = row.make(wish);
  const { conditions: own, events, branches } = given.trigger_when ?? {};
  // Whoever says what the preset is to be for wants its conditions, too.
  const asks = events !== undefined || branches !== undefined;
  const isUnsigned = given.requires_secret === false;
  return {
    ...given,
    name: given.name ?? row.name,
    signature_scheme: given.signature_scheme ?? (isUnsigned ? null : schemeOf(name, given)),
    settings: {
      variables: overlay(made.variables, given.settings?.variables ?? [], hasSameName),
      delivery_id_paths: given.settings?.delivery_id_paths ?? row.deliveryIdPaths,
    },
    trigger_when: {
      conditions: own === undefined ? made.conditions : asks ? overlay(made.conditions, own, standsFor) : own,
      events: wish.events,
      ...(row.events.includes('push') && (own === undefined || asks) ? { branches: wish.branches } : {}),
    },
  };
}

/**
 * A change of a hook's `events` or `branches` as a change of what the preset had made of them. What was added or changed by
 * hand since, or is given now, stays as it is. Throws `invalid`.
 */
export function reapplyIncomingPreset(
  name: IncomingPreset | null,
  input: IncomingInput,
  old: IncomingDefinition,
): IncomingInput {
  checkWish(name, input);
  const signature_scheme = input.signature_scheme ?? impliedScheme(name, input, old);
  const given = { ...input, signature_scheme };
  if (name === null) return given;
  const before = { events: old.events ?? [], branches: old.branches ?? [] };
  const wish = {
    events: given.trigger_when?.events ?? before.events,
    branches: branchesOf(given) ?? before.branches,
  };
  if (isDeepStrictEqual(wish, before))
    return given.trigger_when?.branches === undefined
      ? given
      : { ...given, trigger_when: { ...given.trigger_when, branches: wish.branches } };
  const row = incomingPreset(name);
  const was = row.make(before);
  const made = row.make(wish);
  const variables = (given.settings?.variables ?? old.variables).filter(
    (variable) => !was.variables.some((one) => isDeepStrictEqual(one, withoutNullFields(variable))),
  );
  const conditions = (given.trigger_when?.conditions ?? old.conditions).filter(
    (condition) => !was.conditions.some((one) => isSame(one, condition)),
  );
  return {
    ...given,
    settings: { ...given.settings, variables: overlay(made.variables, variables, hasSameName) },
    trigger_when: { conditions: overlay(made.conditions, conditions, standsFor), ...wish },
  };
}

/** The names of the conditions of its preset that a hook has no more: what they kept out comes in. */
export function missingConditions(name: IncomingPreset, definition: IncomingDefinition): string[] {
  const { events = [], branches = [] } = definition;
  const made = incomingPreset(name).make({ events, branches }).conditions;
  const missing = made.filter((one) => !definition.conditions.some((other) => isSame(one, other)));
  return [...new Set(missing.map((one) => one.name ?? one.path))];
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
function isSame(one: IncomingCondition, other: IncomingCondition): boolean {
  const complete = (condition: IncomingCondition) => ({
    ...withoutNullFields(condition),
    accepted_values: condition.accepted_values ?? [],
  });
  return isDeepStrictEqual(complete(one), complete(other));
}

/** What is given, and before it what of the preset nothing given stands for. */
function overlay<Item>(made: Item[], given: Item[], isFor: (one: Item, other: Item) => boolean): Item[] {
  return [...made.filter((one) => !given.some((other) => isFor(one, other))), ...given];
}

function hasSameName({ name }: HookVariable, other: HookVariable): boolean {
  return name === other.name;
}

/** A condition stands for one of its name, or of the same place. */
function standsFor(one: IncomingCondition, other: IncomingCondition): boolean {
  return (typeof one.name === 'string' && one.name === other.name) || placeOf(one) === placeOf(other);
}

function placeOf({ type = 'request_body', path }: IncomingCondition): string {
  return type === 'request_header' ? `$headers.${path}`.toLowerCase() : `${type} ${path}`;
}

/** With or without what git puts before the name of a branch. */
function branchesOf({ trigger_when }: IncomingInput): string[] | undefined {
  return trigger_when?.branches?.map((branch) => branch.replace(/^refs\/heads\//, ''));
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
