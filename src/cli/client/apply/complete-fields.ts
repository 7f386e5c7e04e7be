import { HooklineError } from '#sdk';
import type { Actual } from './fetch-environment.ts';
import { kinds, type Fields } from './kinds.ts';
import type { HookDefaults } from './hook-defaults.ts';
import type { Desired } from './read-file.ts';
import { Reference } from './references.ts';

/**
 * All fields that a resource is to have: those of the file, and for what it leaves out what that means. Fields that are
 * to stay as they are, are not there. Gives the server's refusal when it would not take a hook like this.
 */
export async function completeFields(
  desired: Desired,
  actual: Actual,
  { defaults, sendsSecrets }: { defaults: HookDefaults; sendsSecrets: boolean },
): Promise<Fields | HooklineError> {
  const { kind, fields } = desired;
  if (kind === 'incoming_hook') {
    const asked = questionOfIncoming(fields, actual.fields, sendsSecrets);
    return await completeIncoming(fields, asked, { actual, defaults });
  }
  if (kind === 'outgoing_hook') return await completeOutgoing(fields, actual, defaults);
  const own = kind === 'pipeline' ? { default_steps: hasDefaultSteps(desired), ...fields } : fields;
  return fill(desired.kind, own, {});
}

/** Whether a pipeline has default steps if nobody says. */
export function hasDefaultSteps({ owner, fields }: Pick<Desired | Actual, 'owner' | 'fields'>): boolean {
  return owner?.kind === 'application' && fields['operation'] === 'deploy';
}

/** What neither the file nor `base` says is as when it is left out. */
export function fill(kind: Desired['kind'], given: Fields, base: Fields): Fields {
  const complete: Fields = {};
  for (const [field, row] of Object.entries(kinds[kind].fields)) {
    if (given[field] !== undefined) complete[field] = given[field];
    else if (row.isKept) continue;
    else if (base[field] !== undefined) complete[field] = base[field];
    else if ('default' in row) complete[field] = row.default;
  }
  return complete;
}

async function completeIncoming(
  given: Fields,
  asked: Fields,
  { actual, defaults }: { actual: Actual; defaults: HookDefaults },
): Promise<Fields | HooklineError> {
  const base = await defaults(actual, asked);
  if (base instanceof HooklineError) return base;
  // Who cannot ask compares what the file says and nothing else.
  if (base === null) return given;
  const complete = fill('incoming_hook', given, base);
  // They cannot be taken away, and without them the hook keeps those that it has.
  for (const field of ['trigger_when.branches', 'trigger_when.events'])
    if ((complete[field] ?? null) === null) delete complete[field];
  return complete;
}

function questionOfIncoming(given: Fields, actual: Fields, sendsSecrets: boolean): Fields {
  const { secret, action_type: _, active: __, ...asked } = given;
  // Whoever gives a secret wants signatures.
  if (secret !== undefined && given['requires_secret'] === undefined) asked['requires_secret'] = true;
  if (given['preset'] === undefined) return asked;
  // By its form a secret may say which scheme it is for: one that is sent does, one that is kept has done so.
  if (secret instanceof Reference && given['signature_scheme'] === undefined) {
    if (sendsSecrets && secret.value !== undefined) asked['secret'] = standIn(secret.value);
    else if (actual['signature_scheme']) asked['signature_scheme'] = actual['signature_scheme'];
  }
  const asksForBranches = given['trigger_when.branches'] ?? given['trigger_when.conditions'];
  // Left out, they are the default branch that the application had when the hook was made.
  if (asksForBranches === undefined && actual['trigger_when.branches'])
    asked['trigger_when.branches'] = actual['trigger_when.branches'];
  return asked;
}

/** Of the same form, as the secret itself is not needed for the question. */
function standIn(secret: string): string {
  return secret.startsWith('whsec_') ? `whsec_${Buffer.alloc(32).toString('base64')}` : 'x'.repeat(32);
}

async function completeOutgoing(
  given: Fields,
  actual: Actual,
  defaults: HookDefaults,
): Promise<Fields | HooklineError> {
  const { preset } = given;
  if (preset === undefined) return fill('outgoing_hook', given, {});
  const base = await outgoingDefaults(
    actual,
    { preset, hasAddress: given['target_url'] !== undefined },
    defaults,
  );
  if (base instanceof HooklineError) return base;
  return base === null ? given : fill('outgoing_hook', given, base);
}

/** Of a preset that needs an address any will do. */
export async function outgoingDefaults(
  hook: Actual,
  { preset, hasAddress }: { preset: unknown; hasAddress: boolean },
  defaults: HookDefaults,
): Promise<Fields | HooklineError | null> {
  return await defaults(hook, { preset, ...(hasAddress ? { target_url: 'https://example.com/' } : {}) });
}
