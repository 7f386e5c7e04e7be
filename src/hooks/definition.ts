import { Type, type Static } from 'typebox';
import { Nullable, OneOf } from '../platform/http/schemas.ts';

/** Algorithms of the reference; the names are those of `node:crypto`. */
export const secretAlgorithms = ['sha1', 'sha256', 'sha512'] as const;
export type SecretAlgorithm = (typeof secretAlgorithms)[number];

const variableTypes = ['string', 'integer', 'array', 'boolean'] as const;
export type VariableType = (typeof variableTypes)[number];

export const eventNames = [
  'action.created',
  'action.queued',
  'action.started',
  'action.completed',
  'action.failed',
  'action.skipped',
  'action.status_changed',
  'hook.disabled',
] as const;
export type EventName = (typeof eventNames)[number];

const path = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'Dotted, with indexes of lists: `commits.0.id`. `$headers.x-github-event` is a header.',
});
const acceptedValues = Type.Array(
  Type.Union([Type.String({ maxLength: 1000 }), Type.Number(), Type.Boolean()]),
  {
    minItems: 1,
    maxItems: 100,
  },
);

export const HookVariable = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 60 }),
    path: Type.Optional(Nullable(path)),
    type: Type.Optional(OneOf(variableTypes)),
    required: Type.Optional(Type.Boolean()),
    default_value: Type.Optional(
      Nullable(
        Type.Union([
          Type.String({ maxLength: 10_000 }),
          Type.Number(),
          Type.Boolean(),
          Type.Array(Type.Unknown()),
        ]),
      ),
    ),
  },
  { title: 'HookVariable', description: 'A value to take out of the request.' },
);
export type HookVariable = Static<typeof HookVariable>;

export const IncomingCondition = Type.Object(
  {
    name: Type.Optional(Nullable(Type.String({ maxLength: 60 }))),
    type: Type.Optional(OneOf(['request_body', 'request_header', 'variable'])),
    path,
    accepted_values: acceptedValues,
  },
  { title: 'IncomingCondition' },
);
export type IncomingCondition = Static<typeof IncomingCondition>;

export const OutgoingCondition = Type.Object(
  { path, accepted_values: acceptedValues },
  { title: 'OutgoingCondition' },
);
export type OutgoingCondition = Static<typeof OutgoingCondition>;

export const RequestHeader = Type.Object(
  {
    name: Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", maxLength: 100 }),
    // The reference's clients take no more.
    value: Type.String({ maxLength: 4096, description: 'A template.' }),
  },
  { title: 'RequestHeader' },
);

export const RequestBody = Type.Union(
  [
    Type.String({ maxLength: 262_144 }),
    Type.Record(Type.String(), Type.Unknown()),
    Type.Array(Type.Unknown()),
  ],
  { description: 'A template. Of an object or a list each text in it is one, and it is sent as JSON.' },
);

/** Names of extracted variables with a meaning of their own (DESIGN §7), and the type each must have. */
const knownVariables: Record<string, VariableType> = {
  source_type: 'string',
  source_ref: 'string',
  branch: 'string',
  commit_hash: 'string',
  pipeline_id: 'integer',
};

/** How deep the value of a variable may be nested: it is walked and written as JSON many times. */
export const mostLevels = 64;

/** A variable's type: the one given, else that of its known name, else a string. */
export function typeOf({ name, type }: HookVariable): VariableType {
  return type ?? (Object.hasOwn(knownVariables, name) ? knownVariables[name]! : 'string');
}

/** What a user defines of an incoming hook, beyond what has a column of its own. */
export type IncomingDefinition = {
  requires_secret: boolean;
  secret_algorithm: SecretAlgorithm | null;
  /** In lower case. */
  secret_header_name: string | null;
  variables: HookVariable[];
  conditions: IncomingCondition[];
  /** How many requests it takes in a minute; null or absent: as many as come. */
  rate_limit_per_minute?: number | null;
};

const pem = (description: string) => Nullable(Type.String({ maxLength: 65_536, description }));

export const TlsSettings = Type.Object(
  {
    ca_certificate: Type.Optional(
      pem('PEM. The receiver must then have a certificate of one of these CAs, and no other.'),
    ),
    client_certificate: Type.Optional(
      pem(
        'PEM, with intermediate certificates if there are any. Shown to a receiver that asks (mutual TLS).',
      ),
    ),
    client_key: Type.Optional(
      pem('PEM, without a passphrase. Needed with `client_certificate`; never shown again.'),
    ),
  },
  { title: 'HookTls' },
);
export type TlsSettings = {
  ca_certificate: string | null;
  client_certificate: string | null;
  client_key: string | null;
};

/** What a user defines of an outgoing hook. */
export type OutgoingDefinition = {
  target_url: string;
  verify_ssl: boolean;
  request_headers: { name: string; value: string }[];
  request_body: string | Record<string, unknown> | unknown[] | null;
  events: EventName[];
  conditions: OutgoingCondition[];
  /** Absent in definitions from before there were signatures; the secret is in a column of its own. */
  signing?: boolean;
  tls?: TlsSettings | null;
};
