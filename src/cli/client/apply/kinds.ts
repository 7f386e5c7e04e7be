/** What a file describes one by one, each known by its name and its owner. */
export type Kind =
  | 'credential'
  | 'server'
  | 'application'
  | 'variable'
  | 'pipeline'
  | 'incoming_hook'
  | 'outgoing_hook';

/** Of a resource, by the names of the API; what stands in `settings`, `trigger_when` and `tls` under `settings.…`. */
export type Fields = Record<string, unknown>;

type FieldRow = {
  /** What it is when the file leaves it out. */
  default?: unknown;
  /** Left out, it stays as it is. */
  isKept?: true;
  /** Cannot be changed once it is made. */
  isFixed?: true;
  /** Answers show it masked, or not at all. */
  isSecret?: true;
};

type KindRow = {
  label: string;
  /** The key of its list in the file. */
  list: string;
  nameField: string;
  /** In the order in which they are written. */
  fields: Record<string, FieldRow>;
};

/** In the order in which they are made: each after what it needs. */
export const kinds: Record<Kind, KindRow> = {
  credential: {
    label: 'credential',
    list: 'credentials',
    nameField: 'name',
    fields: {
      provider_code: { isFixed: true },
      active: { default: true },
      'settings.access_token': { isSecret: true },
      'settings.api_url': { default: null },
    },
  },
  server: {
    label: 'server',
    list: 'servers',
    nameField: 'hostname',
    fields: {
      ip_address: { default: null },
      ssh_port: { default: 22 },
      ssh_user: { default: 'root' },
      ssh_private_key: { isKept: true, isSecret: true },
      ssh_host_key: { isKept: true },
      max_parallel_actions: { default: 0 },
    },
  },
  application: {
    label: 'application',
    list: 'applications',
    nameField: 'name',
    fields: {
      repository: {},
      default_branch: { default: 'main' },
      credential: { default: null },
      servers: { default: [] },
      programming_language: { default: '' },
      engine_version: { default: '' },
      framework: { default: '' },
      root_directory: { default: null },
      deploy_directory: { default: null },
      deployments_keep: { default: 5 },
      install_dependencies_command: { default: null },
      build_command: { default: null },
    },
  },
  variable: {
    label: 'variable',
    list: 'variables',
    nameField: 'key',
    fields: { value: {}, description: { default: null }, hidden: { default: false } },
  },
  pipeline: {
    label: 'pipeline',
    list: 'pipelines',
    nameField: 'name',
    fields: {
      operation: { isFixed: true },
      max_parallel_actions: { default: 0 },
      when_waiting: { default: 'queue' },
      timeout_seconds: { default: null },
      // Of a deploy pipeline of an application true; see `completeFields`.
      default_steps: { default: false },
      steps: { default: [] },
    },
  },
  incoming_hook: {
    label: 'incoming hook',
    list: 'incoming_hooks',
    nameField: 'name',
    fields: {
      action_type: { isFixed: true },
      preset: { default: null, isFixed: true },
      active: { default: true },
      requires_secret: { default: false },
      secret: { isKept: true, isSecret: true },
      signature_scheme: { default: null },
      secret_algorithm: { default: null },
      secret_header_name: { default: null },
      signature_encoding: { default: null },
      signature_prefix: { default: null },
      'settings.variables': { default: [] },
      'settings.delivery_id_paths': { default: [] },
      'trigger_when.events': { default: null },
      'trigger_when.branches': { default: null },
      'trigger_when.conditions': { default: [] },
      rate_limit_per_minute: { default: null },
    },
  },
  outgoing_hook: {
    label: 'outgoing hook',
    list: 'outgoing_hooks',
    nameField: 'name',
    fields: {
      action_type: { isFixed: true },
      preset: { default: null, isFixed: true },
      target_url: {},
      active: { default: true },
      verify_ssl: { default: true },
      signing: { default: false },
      secret: { isKept: true, isSecret: true },
      'tls.ca_certificate': { default: null },
      'tls.client_certificate': { default: null },
      'tls.client_key': { default: null, isSecret: true },
      'settings.request_headers': { default: [] },
      'settings.request_body': { default: null },
      'trigger_when.events': { default: ['action.started', 'action.completed', 'action.failed'] },
      'trigger_when.conditions': { default: [] },
    },
  },
};

// Safe: the keys of the very table.
export const kindNames = Object.keys(kinds) as Kind[];

const groups = new Set(['settings', 'trigger_when', 'tls']);

/** Whatever answers and files nest, side by side: `settings.variables`. */
export function flatten(value: Fields): Fields {
  const fields: Fields = {};
  for (const [key, one] of Object.entries(value)) {
    if (!groups.has(key) || typeof one !== 'object' || one === null) fields[key] = one;
    else for (const [inner, part] of Object.entries(one)) fields[`${key}.${inner}`] = part;
  }
  return fields;
}

/** The other way round. */
export function nest(fields: Fields): Fields {
  const value: Fields = {};
  for (const [key, one] of Object.entries(fields)) {
    const [group = '', inner] = key.split('.', 2);
    if (inner === undefined) value[key] = one;
    // Safe: only objects are put there.
    else value[group] = { ...(value[group] as Fields | undefined), [inner]: one };
  }
  return value;
}

/** One form of what means the same, so that it can be compared: without nulls and what is as when it is left out. */
export function canonicalFields(kind: Kind, fields: Fields): Fields {
  const known = kinds[kind].fields;
  const entries = Object.entries(fields)
    .filter(([field, value]) => Object.hasOwn(known, field) && value !== undefined)
    .map(([field, value]): [string, unknown] => [field, canonical(kind, field, value)]);
  return Object.fromEntries(entries);
}

function canonical(kind: Kind, field: string, value: unknown): unknown {
  if (kind === 'application' && value === '' && known('application', field)?.default === null) return null;
  if (field === 'servers' && Array.isArray(value)) return value.toSorted(byText);
  if (field === 'secret_header_name' && typeof value === 'string') return value.toLowerCase();
  if (field === 'settings.api_url' && typeof value === 'string') return value.replace(/\/+$/, '') || null;
  if (field === 'ssh_host_key' && typeof value === 'string')
    return value.trim().split(/\s+/).slice(0, 2).join(' ');
  if (field === 'settings.delivery_id_paths') return value ?? [];
  if (field === 'trigger_when.branches' && Array.isArray(value))
    return value.map((branch) => String(branch).replace(/^refs\/heads\//, ''));
  if (!Array.isArray(value)) return value;
  if (field === 'steps') return value.map((step) => without(step, stepDefaults));
  if (field === 'settings.variables') return value.map(canonicalVariable);
  if (field === 'trigger_when.conditions') return value.map(canonicalCondition);
  return value;
}

function known(kind: Kind, field: string): FieldRow | undefined {
  return kinds[kind].fields[field];
}

export function byText(one: unknown, other: unknown): number {
  const [a, b] = [String(one), String(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a step is when its file leaves it out. */
export const stepDefaults: Fields = {
  name: null,
  description: null,
  type: 'command',
  runner: 'custom',
  run_as_user: '',
  after_activation: false,
  timeout_seconds: null,
};

function canonicalVariable(value: unknown): unknown {
  const { transform, ...variable } = withoutEmpty(value);
  const kept = without(transform, { json: false, lower_case: false });
  return inOrder({
    ...without(variable, { required: false }),
    ...(Object.keys(kept).length > 0 ? { transform: kept } : {}),
  });
}

const order = ['name', 'type', 'path', 'fallback_paths'];

/** What says which one it is goes first. */
function inOrder(value: Fields): Fields {
  const first = order.filter((field) => Object.hasOwn(value, field)).map((field) => [field, value[field]]);
  return { ...Object.fromEntries(first), ...value };
}

/** A number and its text are the same to a condition, and answers show now one, now the other. */
function canonicalCondition(value: unknown): unknown {
  const condition = inOrder(without(withoutEmpty(value), { type: 'request_body', not: false }));
  const { accepted_values: values } = condition;
  return Array.isArray(values) ? { ...condition, accepted_values: values.map(String) } : condition;
}

function withoutEmpty(value: unknown): Fields {
  const entries = Object.entries(value ?? {}).filter(
    ([field, one]) => field === 'default_value' || !(Array.isArray(one) && one.length === 0),
  );
  return Object.fromEntries(entries);
}

/** Without nulls, and without what is as the defaults say. */
function without(value: unknown, defaults: Fields): Fields {
  const entries = Object.entries(value ?? {}).filter(
    ([field, one]) => one !== null && one !== undefined && one !== defaults[field],
  );
  return Object.fromEntries(entries);
}
