import { Type, type TSchema } from 'typebox';

/*
 * The form of an environment file. Fields bear the names of the API; ids are names here, and secrets are references. The
 * same description checks a file and is the JSON Schema that editors take.
 */

const text = (maxLength: number, description?: string) =>
  Type.String({ maxLength, ...(description === undefined ? {} : { description }) });
const oneOf = (values: readonly string[], description?: string) =>
  Type.Unsafe<string>({ type: 'string', enum: [...values], ...(description ? { description } : {}) });
const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);
const object = (properties: Record<string, TSchema>, required: string[], description?: string) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  });
const list = (items: TSchema, maxItems?: number, description?: string) =>
  Type.Array(items, {
    ...(maxItems === undefined ? {} : { maxItems }),
    ...(description === undefined ? {} : { description }),
  });

const fromEnv = object(
  { env: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 200 }) },
  ['env'],
  'The value of an environment variable of whoever applies the file.',
);
const fromFile = object(
  { file: Type.String({ minLength: 1, maxLength: 4096 }) },
  ['file'],
  'The text of a file; its path is relative to this one.',
);
const reference = Type.Union([fromEnv, fromFile]);
const orReference = (schema: TSchema) => Type.Union([schema, fromEnv, fromFile]);

const name = Type.String({ minLength: 1, maxLength: 60 });
const was = text(300, 'The name that it has had until now: it is renamed, and not made anew.');
const active = Type.Boolean();

const acceptedValue = Type.Union([Type.String({ maxLength: 1000 }), Type.Number(), Type.Boolean()]);
const path = Type.String({ minLength: 1, maxLength: 500 });

const hookVariable = object(
  {
    name: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 60 }),
    path: orNull(path),
    fallback_paths: orNull(list(path, 100)),
    transform: orNull(
      object(
        {
          json: orNull(Type.Boolean()),
          strip_prefix: orNull(Type.Union([text(200), list(text(200), 10)])),
          capture: orNull(Type.String({ minLength: 1, maxLength: 1000 })),
          lower_case: orNull(Type.Boolean()),
          map: orNull(Type.Record(Type.String(), text(1000))),
        },
        [],
      ),
    ),
    type: oneOf(['string', 'integer', 'array', 'boolean']),
    required: Type.Boolean(),
    default_value: orNull(
      Type.Union([text(10_000), Type.Number(), Type.Boolean(), Type.Array(Type.Unknown())]),
    ),
  },
  ['name'],
);

const incomingCondition = object(
  {
    name: orNull(text(60)),
    type: oneOf(['request_body', 'request_header', 'request_query', 'variable']),
    path,
    fallback_paths: orNull(list(path, 100)),
    accepted_values: list(acceptedValue, 100),
    matches: orNull(list(Type.String({ minLength: 1 }), 20)),
    globs: orNull(list(Type.String({ minLength: 1 }), 100)),
    same_as: orNull(path),
    exists: orNull(Type.Boolean()),
    not: orNull(Type.Boolean()),
  },
  ['path'],
);

const operations = [
  'check_provisioned',
  'configure',
  'delete',
  'deploy',
  'get_status',
  'provision',
  'reload',
  'remove',
  'restart',
  'rotate_key',
  'start',
  'stop',
] as const;
const operation = oneOf(operations);

const incomingHook = {
  name,
  was,
  preset: oneOf(
    ['github', 'gitea', 'gitlab', 'bitbucket', 'stripe', 'shopify', 'slack', 'standard'],
    'What is left out is as the preset makes it; a list that is given is the whole list.',
  ),
  active,
  requires_secret: Type.Boolean(),
  secret: Type.Union([fromEnv, fromFile], {
    description: 'Left out, Hookline makes one when it makes the hook, and it is shown once.',
  }),
  signature_scheme: orNull(
    oneOf([
      'hmac',
      'github',
      'gitlab-token',
      'gitlab-signed',
      'bitbucket',
      'gitea',
      'stripe',
      'slack',
      'shopify',
      'standard-webhooks',
    ]),
  ),
  secret_algorithm: orNull(oneOf(['sha1', 'sha256', 'sha512'])),
  secret_header_name: orNull(Type.String({ pattern: '^[A-Za-z0-9-]+$', maxLength: 64 })),
  signature_encoding: orNull(oneOf(['hex', 'base64'])),
  signature_prefix: orNull(text(40)),
  settings: object(
    {
      variables: list(hookVariable, 100),
      delivery_id_paths: orNull(list(path, 10)),
    },
    [],
  ),
  trigger_when: object(
    {
      events: Type.Array(oneOf(['push', 'tag', 'pull_request', 'paid']), { minItems: 1, maxItems: 10 }),
      branches: list(Type.String({ minLength: 1, maxLength: 250 }), 20),
      conditions: list(incomingCondition, 50),
    },
    [],
  ),
  rate_limit_per_minute: orNull(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
};

const outgoingHook = {
  name,
  was,
  preset: oneOf(
    [
      'github-commit-status',
      'github-pr-comment',
      'gitlab-commit-status',
      'gitlab-mr-comment',
      'bitbucket-build-status',
      'bitbucket-pr-comment',
      'slack-message',
      'discord-message',
      'generic',
    ],
    'What is left out is as the preset makes it; a list that is given is the whole list.',
  ),
  target_url: orReference(Type.String({ minLength: 1, maxLength: 4000 })),
  active,
  verify_ssl: Type.Boolean(),
  signing: Type.Boolean(),
  secret: Type.Union([fromEnv, fromFile], {
    description: 'To sign with: `whsec_…`. Left out, Hookline makes one, and it is shown once.',
  }),
  tls: orNull(
    object(
      {
        ca_certificate: orNull(orReference(text(65_536))),
        client_certificate: orNull(orReference(text(65_536))),
        client_key: orNull(reference),
      },
      [],
    ),
  ),
  settings: object(
    {
      request_headers: list(
        object(
          {
            name: Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", maxLength: 100 }),
            value: orReference(text(4096)),
          },
          ['name', 'value'],
        ),
        50,
      ),
      request_body: Type.Unknown({
        description:
          'A text, an object or a list. Where a text in it is a secret stands `$secret: { env: NAME }` instead.',
      }),
    },
    [],
  ),
  trigger_when: object(
    {
      events: Type.Array(
        oneOf([
          'action.created',
          'action.queued',
          'action.started',
          'action.completed',
          'action.failed',
          'action.skipped',
          'action.status_changed',
          'hook.disabled',
        ]),
        { minItems: 1, maxItems: 10 },
      ),
      conditions: list(
        object({ path, accepted_values: Type.Array(acceptedValue, { minItems: 1, maxItems: 100 }) }, [
          'path',
          'accepted_values',
        ]),
        50,
      ),
    },
    [],
  ),
};

const step = object(
  {
    name: orNull(text(60)),
    description: orNull(text(255)),
    type: text(20),
    command: Type.String({ minLength: 1, maxLength: 65_536, description: 'A script for the shell.' }),
    runner: oneOf(['custom', 'composer', 'npm', 'pip', 'yarn']),
    run_as_user: Type.String({ maxLength: 60, pattern: '^([a-z_][a-z0-9_-]*)?$' }),
    after_activation: Type.Boolean(),
    timeout_seconds: orNull(Type.Integer({ minimum: 1, maximum: 86_400 })),
  },
  ['command'],
);

const pipeline = object(
  {
    name,
    was,
    operation,
    max_parallel_actions: Type.Integer({ minimum: 0, maximum: 10, description: '0 means no limit.' }),
    when_waiting: oneOf(['queue', 'replace']),
    timeout_seconds: orNull(Type.Integer({ minimum: 1, maximum: 604_800 })),
    default_steps: Type.Boolean({
      description: 'Of a deploy pipeline of an application, and true for those if left out.',
    }),
    steps: list(step, 100),
    incoming_hooks: list(object(incomingHook, ['name'])),
    outgoing_hooks: list(object(outgoingHook, ['name'])),
  },
  ['name', 'operation'],
);

const variable = object(
  {
    key: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 200 }),
    was,
    value: orReference(text(65_536)),
    description: orNull(text(500)),
    hidden: Type.Boolean({ description: 'Masked everywhere; its value is then a reference.' }),
  },
  ['key', 'value'],
);

const olderForm = 'In the older form: of every pipeline of this resource with the operation `action_type`.';
const ofResource = {
  variables: list(variable),
  pipelines: list(pipeline),
  incoming_hooks: list(
    object({ ...incomingHook, action_type: operation }, ['name', 'action_type']),
    undefined,
    olderForm,
  ),
  outgoing_hooks: list(
    object({ ...outgoingHook, action_type: operation }, ['name', 'action_type']),
    undefined,
    olderForm,
  ),
};

const credential = object(
  {
    name,
    was,
    provider_code: oneOf(['github', 'gitlab', 'bitbucket']),
    active,
    settings: object({ access_token: reference, api_url: orNull(text(2000, 'Of a provider of your own.')) }, [
      'access_token',
    ]),
  },
  ['name', 'provider_code', 'settings'],
);

const hostname = Type.String({ pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$', maxLength: 253 });
const server = object(
  {
    hostname,
    was,
    ip_address: orNull(Type.String({ maxLength: 45, pattern: '^[0-9a-fA-F.:]+$' })),
    ssh_port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    ssh_user: Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' }),
    ssh_private_key: Type.Union([fromEnv, fromFile], {
      description: 'Left out, Hookline makes a pair of keys when it makes the server.',
    }),
    ssh_host_key: Type.String({
      maxLength: 8192,
      description: 'Type and key as in known_hosts. Left out, the key of the first connection is kept.',
    }),
    max_parallel_actions: Type.Integer({ minimum: 0, maximum: 10, description: '0 means no limit.' }),
    ...ofResource,
  },
  ['hostname'],
);

const command = orNull(text(65_536));
const application = object(
  {
    name,
    was,
    repository: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'owner/name at the source provider, or a full git URL.',
    }),
    default_branch: Type.String({ minLength: 1, maxLength: 255 }),
    credential: Type.Union(
      [name, object({ organization: name }, ['organization'], 'A credential of the organization.')],
      {
        description:
          'The name of a credential of this file, or `{ organization: name }` for one of the organization.',
      },
    ),
    servers: list(hostname, 100, 'The servers it runs on; with none it runs on the machine of Hookline.'),
    programming_language: text(40),
    engine_version: text(40),
    framework: text(40),
    root_directory: orNull(text(1000)),
    deploy_directory: orNull(text(1000)),
    deployments_keep: Type.Integer({ minimum: 1, maximum: 100 }),
    install_dependencies_command: command,
    build_command: command,
    ...ofResource,
  },
  ['name', 'repository'],
);

export const fileSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Environment of Hookline',
  ...object(
    {
      hookline: Type.Integer({ minimum: 1, maximum: 1, description: 'The version of this form: 1.' }),
      credentials: list(credential),
      servers: list(server),
      applications: list(application),
    },
    ['hookline'],
    'A whole environment of Hookline, for `hookline apply`.',
  ),
};
