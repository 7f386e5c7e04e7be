import { Type, type Static } from 'typebox';
import { Nullable, OneOf } from '../platform/http/schemas.ts';
import { mostExpressionLength } from '../platform/linear-expression.ts';
import type { SignatureSchemeName } from './signature-schemes.ts';

/** Algorithms of the reference; the names are those of `node:crypto`. */
export const secretAlgorithms = ['sha1', 'sha256', 'sha512'] as const;
export type SecretAlgorithm = (typeof secretAlgorithms)[number];

export const signatureEncodings = ['hex', 'base64'] as const;
export type SignatureEncoding = (typeof signatureEncodings)[number];

/** What senders tell of, in one word for all of them. */
export const incomingEvents = ['push', 'tag', 'pull_request', 'paid'] as const;
export type IncomingEvent = (typeof incomingEvents)[number];

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
  description:
    'Dotted, with indexes of lists: `commits.0.id`; `-1` is the last item of a list, `*` every item, `[new.name=main]` the first whose value there is this, `[new.name~release/*]` is under this, and `[type=UPDATE&ref.type=TAG]` of which both hold. `$headers.x-github-event` is a header, `$query.env` a parameter of the address, `$changed_files` the files that a push has changed, `$body` the text of the whole body.',
});
const fallbackPaths = Type.Optional(
  Nullable(
    Type.Array(path, {
      maxItems: 100,
      description: 'Looked at in this order where there is nothing at `path`.',
    }),
  ),
);
const acceptedValue = Type.Union([Type.String({ maxLength: 1000 }), Type.Number(), Type.Boolean()]);
const expression = (description: string) =>
  Type.String({ minLength: 1, maxLength: mostExpressionLength, description });

export const Transform = Type.Object(
  {
    json: Type.Optional(
      Nullable(
        Type.Boolean({
          description:
            'A list or an object becomes its text in JSON, a number or a boolean the text that it is.',
        }),
      ),
    ),
    strip_prefix: Type.Optional(
      Nullable(
        Type.Union(
          [Type.String({ maxLength: 200 }), Type.Array(Type.String({ maxLength: 200 }), { maxItems: 10 })],
          {
            description: 'Taken off if it is there, such as `refs/heads/`; of several the first that is.',
          },
        ),
      ),
    ),
    capture: Type.Optional(
      Nullable(
        expression(
          'A regular expression (RE2). Its first capture is the value, without one all that it matches; where it does not match there is nothing.',
        ),
      ),
    ),
    lower_case: Type.Optional(Nullable(Type.Boolean())),
    map: Type.Optional(
      Nullable(
        Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 1000 }), {
          maxProperties: 50,
          description: 'What is a key here becomes its value, such as `heads` to `branch`.',
        }),
      ),
    ),
  },
  {
    title: 'HookVariableTransform',
    description:
      'What becomes of the text found, in the order of these fields. Of a list each item by itself.',
  },
);
export type Transform = Static<typeof Transform>;

export const HookVariable = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 60 }),
    path: Type.Optional(Nullable(path)),
    fallback_paths: fallbackPaths,
    transform: Type.Optional(Nullable(Transform)),
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

const conditionTypes = ['request_body', 'request_header', 'request_query', 'variable'] as const;

export const IncomingCondition = Type.Object(
  {
    name: Type.Optional(Nullable(Type.String({ maxLength: 60 }))),
    type: Type.Optional(OneOf(conditionTypes)),
    path,
    fallback_paths: fallbackPaths,
    accepted_values: Type.Optional(
      Type.Array(acceptedValue, { maxItems: 100, description: 'Met by a value that is one of these.' }),
    ),
    matches: Type.Optional(
      Nullable(
        Type.Array(expression('A regular expression (RE2).'), {
          maxItems: 20,
          description: 'Met by a value that any of these matches, in whole or in part.',
        }),
      ),
    ),
    globs: Type.Optional(
      Nullable(
        Type.Array(expression('Such as `apps/api/**`: `*` stays within a folder, `**` does not.'), {
          maxItems: 100,
          description:
            'Met by a path that any of these matches; of a list of paths, such as `$changed_files`, by one of them.',
        }),
      ),
    ),
    same_as: Type.Optional(
      Nullable(
        Type.String({
          minLength: 1,
          maxLength: 500,
          description: 'Met by the value that stands at this path too.',
        }),
      ),
    ),
    exists: Type.Optional(
      Nullable(
        Type.Boolean({
          description:
            'True: met by any value. False: met where there is nothing; with other tests, by what passes one of them too.',
        }),
      ),
    ),
    not: Type.Optional(Nullable(Type.Boolean({ description: 'Negates the condition.' }))),
  },
  {
    title: 'IncomingCondition',
    description:
      'Met when any of `accepted_values`, `matches`, `globs`, `same_as` and `exists` is; of a list, when one item does.',
  },
);
export type IncomingCondition = Static<typeof IncomingCondition>;

export const OutgoingCondition = Type.Object(
  {
    path: Type.String({ minLength: 1, maxLength: 500, description: 'Dotted, with indexes of lists.' }),
    accepted_values: Type.Array(acceptedValue, { minItems: 1, maxItems: 100 }),
  },
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

/** Of the value of a variable: it goes into the environment of a step, which the system limits. */
export const mostValueBytes = 65_536;
/** How deep the value of a variable may be nested: it is walked and written as JSON many times. */
export const mostLevels = 64;

/** A variable's type: the one given, else that of its known name, else a string. */
export function typeOf({ name, type }: HookVariable): VariableType {
  return type ?? (Object.hasOwn(knownVariables, name) ? knownVariables[name]! : 'string');
}

/** What a user defines of an incoming hook, beyond what has a column of its own. */
export type IncomingDefinition = {
  requires_secret: boolean;
  /** Absent in definitions from before there were several: `hmac`. */
  signature_scheme?: SignatureSchemeName | null;
  secret_algorithm: SecretAlgorithm | null;
  /** In lower case. */
  secret_header_name: string | null;
  /** What these say goes before what the scheme says. */
  signature_encoding?: SignatureEncoding | null;
  signature_prefix?: string | null;
  /** Where the sender's id of a delivery stands; empty or absent: where senders are known to put it. */
  delivery_id_paths?: string[];
  /** What a preset was to be for, in our words; registering the hook at its sender asks for the same. */
  events?: IncomingEvent[];
  branches?: string[];
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
