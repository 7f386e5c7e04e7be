import { HooklineError } from '#sdk';
import { completeFields } from './complete-fields.ts';
import { isAsWanted, type CompareOptions, type SecretsFound } from './compare.ts';
import type { Actual, ActualEnvironment } from './fetch-environment.ts';
import type { Fault } from './faults.ts';
import type { HookDefaults } from './hook-defaults.ts';
import { byText, kindNames, kinds, type Fields, type Kind } from './kinds.ts';
import type { Desired } from './read-file.ts';
import { Reference, referencesIn } from './references.ts';

export type FieldChange = {
  field: string;
  /** Undefined of what is made; a secret is masked. */
  from: unknown;
  /** Secrets as references. */
  to: unknown;
};

export type Change = {
  action: 'create' | 'update' | 'delete';
  kind: Kind;
  address: string;
  /** The name until now, of what is renamed. */
  renamedFrom: string | null;
  desired: Desired | null;
  actual: Actual | null;
  /** Everything that it is to have; of what is made, what the file says. */
  fields: Fields;
  changes: FieldChange[];
  options: CompareOptions;
  /** What goes along with it. */
  along: Actual[];
  notes: string[];
};

export type Plan = {
  /** In the order in which they are made. */
  changes: Change[];
  /** Secrets that stay as they are stored, by what they belong to. */
  kept: { address: string; reference: Reference }[];
  /** Secrets that are stored and sent all the same. */
  resent: number;
  /** On the server, but not in the file; they stay. */
  notInFile: Actual[];
  warnings: string[];
  /** What there is already of what the file describes. */
  pairs: Map<Desired, Actual>;
};

export type PlanOptions = { prune: boolean; setSecrets: boolean; generateSecrets: boolean };

/** What the server makes by itself when it is not given. */
const made = new Set(['secret', 'ssh_private_key']);

const lifecycle = new Set(['start', 'stop', 'restart', 'get_status']);

/** What must be done so that the environment is as the file wants it; or every reason why it cannot be done. */
export async function makePlan(
  desired: Desired[],
  environment: ActualEnvironment,
  defaults: HookDefaults,
  options: PlanOptions,
): Promise<{ plan: Plan; faults: Fault[] }> {
  const faults: Fault[] = [];
  const fault = ({ line, column }: Desired, message: string) => void faults.push({ line, column, message });
  const { pairs, adopted } = match(desired, environment, fault);
  const plan: Plan = { changes: [], kept: [], resent: 0, notInFile: [], warnings: [], pairs };

  for (const one of desired) {
    for (const message of referenceFaults(one, environment)) fault(one, message);
    const actual = withNewNames(pairs.get(one), pairs);
    const found: SecretsFound = { kept: [], sent: [], missing: [] };
    const change = actual
      ? await updateOf(one, actual, { defaults, options, found, fault })
      : creationOf(one, options, found);
    if (change && actual && adopted.has(one))
      change.notes.push(`takes the place of ${actual.address}, which the server came with`);
    for (const reference of found.kept) plan.kept.push({ address: one.address, reference });
    if (actual) plan.resent += found.sent.length;
    for (const reference of found.missing) fault(one, missingText(one, reference));
    if (change) plan.changes.push(change);
  }

  const matched = new Set(pairs.values());
  const isThere = (one: Actual) => matched.has(one) || one.isUntouched;
  const others = environment.resources.filter(
    (one) => !isThere(one) && (one.owner === null || isThere(one.owner)),
  );
  if (options.prune) plan.changes.push(...others.map((one) => deletionOf(one, environment)));
  else plan.notInFile = others;
  plan.warnings.push(...renameHints(plan.changes, others, options.prune));
  plan.changes = inOrder(plan.changes);
  return { plan, faults };
}

function missingText(one: Desired, reference: Reference): string {
  const field = Object.entries(one.fields).find(([, value]) => referencesIn(value).includes(reference))?.[0];
  const isMade = field !== undefined && made.has(field);
  const otherwise = isMade
    ? `; with --generate-secrets, or without ${field} in the file, Hookline makes one`
    : '';
  return `${one.address} needs ${field ?? 'a secret'}, but ${reference.problem ?? 'it is not known'}${otherwise}`;
}

/** An application names a server or a credential that is renamed by the name that it is to have. */
function withNewNames(actual: Actual | undefined, pairs: Map<Desired, Actual>): Actual | undefined {
  if (actual?.kind !== 'application') return actual;
  const renamed = (kind: Kind, name: unknown) =>
    [...pairs].find(([, one]) => one.kind === kind && one.name === name)?.[0].name ?? name;
  const { credential, servers } = actual.fields;
  return {
    ...actual,
    fields: {
      ...actual.fields,
      ...(typeof credential === 'string' ? { credential: renamed('credential', credential) } : {}),
      ...(Array.isArray(servers)
        ? { servers: servers.map((name) => renamed('server', name)).toSorted(byText) }
        : {}),
    },
  };
}

/** By name and owner; what is renamed by its name until now. */
function match(
  desired: Desired[],
  { resources }: ActualEnvironment,
  fault: (one: Desired, message: string) => void,
): { pairs: Map<Desired, Actual>; adopted: Set<Desired> } {
  const pairs = new Map<Desired, Actual>();
  const adopted = new Set<Desired>();
  const named = (one: Desired, name: string): Actual | null => {
    const owner = one.owner === null ? null : pairs.get(one.owner);
    if (owner === undefined) return null;
    const alike = resources.filter(
      (other) => other.kind === one.kind && other.owner === owner && other.name === name,
    );
    if (alike.length > 1) {
      const ids = alike.map(({ id }) => id).join(', ');
      fault(
        one,
        `${one.address}: the server has ${alike.length} of this name (${ids}), so it is not clear which one is meant; rename or delete all but one`,
      );
    }
    return alike[0] ?? null;
  };
  for (const one of desired) {
    const found = named(one, one.name);
    const before = one.was === null ? null : named(one, one.was);
    if (found && before)
      fault(
        one,
        `${one.address}: was: ${one.was}, but the server has both names; delete one, or leave was out`,
      );
    const actual = found ?? before;
    if (actual) pairs.set(one, actual);
  }
  // A server comes with pipelines to switch it on and off. Of several for an operation the oldest runs, so that one is taken.
  for (const one of desired) {
    const server = one.owner && pairs.get(one.owner);
    if (one.kind !== 'pipeline' || server?.kind !== 'server' || pairs.has(one)) continue;
    if (!lifecycle.has(String(one.fields['operation']))) continue;
    const taken = new Set(pairs.values());
    const own = resources.find(
      (other) =>
        other.owner === server &&
        other.isUntouched &&
        !taken.has(other) &&
        other.fields['operation'] === one.fields['operation'],
    );
    if (!own) continue;
    pairs.set(one, own);
    adopted.add(one);
  }
  return { pairs, adopted };
}

/** References to what is not in the file. */
function referenceFaults(
  { kind, address, fields }: Desired,
  { organizationCredentials }: ActualEnvironment,
): string[] {
  const credential = kind === 'application' ? fields['credential'] : null;
  if (typeof credential !== 'object' || credential === null) return [];
  // Safe: the shape was checked.
  const { organization } = credential as { organization: string };
  const id = organizationCredentials.get(organization);
  if (typeof id === 'number') return [];
  return [
    id === null
      ? `${address}: the organization has several credentials ${JSON.stringify(organization)}`
      : `${address}: the organization has no credential ${JSON.stringify(organization)} that this environment can use`,
  ];
}

function creationOf(desired: Desired, options: PlanOptions, found: SecretsFound): Change {
  const fields = withoutMade(desired.fields, options);
  for (const reference of referencesIn(fields))
    if (reference.value === undefined) found.missing.push(reference);
  const changes = Object.entries(fields).map(([field, to]) => ({ field, from: undefined, to }));
  return {
    ...common(desired),
    action: 'create',
    actual: null,
    fields,
    changes: inFieldOrder(desired.kind, changes),
    options: { sendsSecrets: true, mustSend: true },
  };
}

/** Without secrets that lead nowhere and that the server is to make, or that its sender will. */
function withoutMade(fields: Fields, { generateSecrets }: PlanOptions): Fields {
  if (!generateSecrets) return fields;
  const isMade = (field: string, value: unknown) =>
    made.has(field) && value instanceof Reference && value.value === undefined;
  return Object.fromEntries(Object.entries(fields).filter(([field, value]) => !isMade(field, value)));
}

function common(desired: Desired) {
  const { kind, address } = desired;
  return { kind, address, desired, renamedFrom: null, along: [], notes: [] };
}

async function updateOf(
  desired: Desired,
  actual: Actual,
  scene: {
    defaults: HookDefaults;
    options: PlanOptions;
    found: SecretsFound;
    fault: (one: Desired, message: string) => void;
  },
): Promise<Change | null> {
  const { defaults, found, fault } = scene;
  const completed = await completeFields(desired, actual, {
    defaults,
    sendsSecrets: scene.options.setSecrets,
  });
  if (completed instanceof HooklineError) {
    fault(desired, `${desired.address}: ${refusalText(completed)}`);
    return null;
  }
  // One that is stored stays, and counts as such.
  const isStored = (actual.fields['secret'] ?? actual.fields['ssh_private_key']) !== undefined;
  const complete = isStored ? completed : withoutMade(completed, scene.options);
  for (const message of fixedFaults(desired, actual, complete)) fault(desired, message);
  const options: CompareOptions = {
    sendsSecrets: scene.options.setSecrets,
    mustSend: mustSendSecrets(desired.kind, complete, actual.fields),
  };
  const changes = changesBetween(desired.kind, complete, actual.fields, options, found);
  const renamedFrom = desired.name === actual.name ? null : actual.name;
  if (changes.length === 0 && renamedFrom === null) return null;
  const isUnsigned = complete['requires_secret'] === true && actual.fields['requires_secret'] === false;
  if (isUnsigned && complete['secret'] === undefined && !secretFromSender(complete))
    fault(desired, `${desired.address} has had no secret until now and is to have one: give secret`);
  return {
    ...common(desired),
    action: 'update',
    renamedFrom,
    actual,
    fields: complete,
    changes,
    options,
  };
}

function refusalText({ message, faults }: HooklineError): string {
  const all = faults.map(({ field, message: why }) => `${field.replace(/^body\.(hook\.)?/, '')} ${why}`);
  return all.length > 0 ? all.join('; ') : message;
}

/** The server takes such a hook without a secret: it waits for the one that the sender makes. */
function secretFromSender(fields: Fields): boolean {
  return ['stripe', 'slack', 'shopify'].includes(String(fields['signature_scheme']));
}

export function changesBetween(
  kind: Kind,
  complete: Fields,
  actual: Fields,
  options: CompareOptions,
  found: SecretsFound,
): FieldChange[] {
  const changed = Object.entries(complete)
    .filter(([field, to]) => !isAsWanted(field, to, actual[field], options, found))
    .map(([field, to]) => ({ field, from: actual[field] ?? null, to }));
  return inFieldOrder(kind, changed);
}

function inFieldOrder(kind: Kind, changes: FieldChange[]): FieldChange[] {
  const order = Object.keys(kinds[kind].fields);
  return changes.toSorted((one, other) => order.indexOf(one.field) - order.indexOf(other.field));
}

/** What is stored goes to no other host than it was given for, and is not shown where it was hidden. */
function mustSendSecrets(kind: Kind, complete: Fields, actual: Fields): boolean {
  if (kind === 'credential')
    return (complete['settings.api_url'] ?? null) !== (actual['settings.api_url'] ?? null);
  if (kind === 'variable') return actual['hidden'] === true && complete['hidden'] === false;
  if (kind !== 'outgoing_hook') return false;
  const wanted = complete['target_url'];
  const url = wanted instanceof Reference ? wanted.value : wanted;
  return typeof url === 'string' && hostOf(url) !== hostOf(String(actual['target_url']));
}

function hostOf(url: string): string {
  return (/^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? url).toLowerCase();
}

function fixedFaults({ kind, address }: Desired, actual: Actual, complete: Fields): string[] {
  return Object.entries(kinds[kind].fields).flatMap(([field, { isFixed }]) => {
    const [from, to] = [actual.fields[field] ?? null, complete[field] ?? null];
    if (!isFixed || from === to) return [];
    return [
      `${address}: ${field} is ${JSON.stringify(from)} and cannot become ${JSON.stringify(to)}; give it another name to have a new one made`,
    ];
  });
}

function deletionOf(actual: Actual, { resources }: ActualEnvironment): Change {
  const isWithin = (one: Actual): boolean =>
    one.owner !== null && (one.owner === actual || isWithin(one.owner));
  const { kind, address } = actual;
  const along = resources.filter(isWithin);
  return {
    action: 'delete',
    kind,
    address,
    renamedFrom: null,
    desired: null,
    actual,
    fields: {},
    changes: [],
    options: { sendsSecrets: false, mustSend: false },
    along,
    notes: [actual, ...along].flatMap(({ name, installedAt }) =>
      installedAt === null
        ? []
        : [`the webhook of ${name} stays at ${installedAt}; take it away there with uninstall first`],
    ),
  };
}

/** A new name and one that is gone may be the same resource, which would lose its address, its secret and its history. */
function renameHints(changes: Change[], others: Actual[], isPruned: boolean): string[] {
  return others.flatMap((other) => {
    const alike = changes.find(
      ({ action, kind, desired }) =>
        action === 'create' &&
        kind === other.kind &&
        (desired?.owner?.address ?? null) === (other.owner?.address ?? null),
    );
    if (!alike?.desired) return [];
    const loss = isPruned ? 'is deleted with all that belongs to it' : 'stays beside it';
    return [
      `Is ${alike.address} another name for ${other.address}? Then write "was: ${other.name}" there. As it is, a new one is made, and ${other.address} ${loss}.`,
    ];
  });
}

/** Each after what it needs; what gives a name free before what takes it; deletions at the end, the other way round. */
function inOrder(changes: Change[]): Change[] {
  const rank = ({ action, kind, renamedFrom }: Change) => {
    const at = kindNames.indexOf(kind) * 2;
    return action === 'delete' ? 1000 - at : at + (renamedFrom === null ? 1 : 0);
  };
  return changes.toSorted((one, other) => rank(one) - rank(other));
}
