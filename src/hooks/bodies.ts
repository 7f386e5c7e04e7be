import { Type } from 'typebox';
import { resourceTypes } from '../inventory/resource.ts';
import { operationCodes } from '../pipelines/operations.ts';
import { Id, Nullable, OneOf } from '../platform/http/schemas.ts';
import {
  eventNames,
  HookVariable,
  incomingEvents,
  IncomingCondition,
  OutgoingCondition,
  RequestBody,
  RequestHeader,
  secretAlgorithms,
  signatureEncodings,
  TlsSettings,
} from './definition.ts';
import { incomingPresets } from './incoming-presets.ts';
import { outgoingPresets } from './outgoing-presets.ts';
import { signatureSchemeNames } from './signature-schemes.ts';

/* What is sent to create and to change hooks, by their direction. */

const name = Type.String({ minLength: 1, maxLength: 60 });
const active = Type.Optional(Type.Boolean());
const action_type = Type.Optional(OneOf(operationCodes));

const incoming = {
  active,
  action_type,
  requires_secret: Type.Optional(Type.Boolean()),
  secret: Type.Optional(
    Type.String({
      maxLength: 1000,
      description: 'Where the sender dictates it; made, and shown once, if left out.',
    }),
  ),
  signature_scheme: Type.Optional(
    Nullable(
      OneOf(
        signatureSchemeNames,
        'How the sender signs. `hmac`, if left out: the HMAC of the body in a header, as `secret_algorithm` and `secret_header_name` say.',
      ),
    ),
  ),
  secret_algorithm: Type.Optional(Nullable(OneOf(secretAlgorithms))),
  secret_header_name: Type.Optional(Nullable(Type.String({ pattern: '^[A-Za-z0-9-]+$', maxLength: 64 }))),
  signature_encoding: Type.Optional(
    Nullable(OneOf(signatureEncodings, 'Of `hmac`, which takes either if this is left out.')),
  ),
  signature_prefix: Type.Optional(
    Nullable(
      Type.String({
        maxLength: 40,
        description:
          'What stands before the signature. Of `hmac` the algorithm and `=` may, if this is left out.',
      }),
    ),
  ),
  settings: Type.Optional(
    Nullable(
      Type.Object(
        {
          variables: Type.Optional(Type.Array(HookVariable, { maxItems: 100 })),
          delivery_id_paths: Type.Optional(
            Nullable(
              Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
                maxItems: 10,
                description:
                  'Where the id stands by which a repeat is recognised, such as `$headers.x-github-delivery`; the first that is there counts. Left out, the usual places are looked at.',
              }),
            ),
          ),
        },
        { title: 'IncomingHookSettings' },
      ),
    ),
  ),
  trigger_when: Type.Optional(
    Nullable(
      Type.Object(
        {
          conditions: Type.Optional(Type.Array(IncomingCondition, { maxItems: 50 })),
          events: Type.Optional(
            Type.Array(OneOf(incomingEvents), {
              minItems: 1,
              maxItems: 10,
              description:
                'With a preset: what it is to be for. `push` if left out, or `paid`. Changed later, its conditions and variables are made anew.',
            }),
          ),
          branches: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 250 }), {
              maxItems: 20,
              description:
                "With a preset: the branches whose pushes count, by name or as `release/*`. The application's default branch if left out; an empty list is all.",
            }),
          ),
        },
        { title: 'IncomingHookTriggerWhen' },
      ),
    ),
  ),
  rate_limit_per_minute: Type.Optional(
    Nullable(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description:
          'Requests that verify (of a hook without a secret: all) beyond this many a minute are answered 429 and recorded. Null: no limit.',
      }),
    ),
  ),
};
const target_url = Type.String({ minLength: 1, maxLength: 4000 });
const outgoing = {
  active,
  action_type,
  verify_ssl: Type.Optional(
    Type.Boolean({ description: 'False takes any certificate; better is the CA of the receiver in `tls`.' }),
  ),
  signing: Type.Optional(
    Type.Boolean({ description: 'Signs each request as Standard Webhooks says: `webhook-signature`.' }),
  ),
  secret: Type.Optional(
    Type.String({
      maxLength: 1000,
      description: 'To sign with: `whsec_…`. Made, and shown once, if left out.',
    }),
  ),
  tls: Type.Optional(Nullable(TlsSettings)),
  settings: Type.Optional(
    Nullable(
      Type.Object({
        request_headers: Type.Optional(Type.Array(RequestHeader, { maxItems: 50 })),
        request_body: Type.Optional(Nullable(RequestBody)),
      }),
    ),
  ),
  trigger_when: Type.Optional(
    Nullable(
      Type.Object({
        events: Type.Optional(Type.Array(OneOf(eventNames), { minItems: 1, maxItems: 10 })),
        conditions: Type.Optional(Type.Array(OutgoingCondition, { maxItems: 50 })),
      }),
    ),
  ),
};
const olderForm = {
  resource_type: OneOf(resourceTypes),
  resource_id: Id,
  action_type: OneOf(operationCodes),
};
export const createBodies = {
  incoming: Type.Object(
    {
      name: Type.Optional(name),
      preset: Type.Optional(
        OneOf(
          incomingPresets,
          'Fills in everything that is not given: how the sender signs, its id of a delivery, variables and conditions.',
        ),
      ),
      ...incoming,
    },
    {
      title: 'IncomingHookCreate',
      description: '`name` is required without a preset.',
      examples: [{ preset: 'github' }],
    },
  ),
  outgoing: Type.Object(
    {
      name: Type.Optional(name),
      target_url: Type.Optional(target_url),
      preset: Type.Optional(
        OneOf(
          outgoingPresets,
          'Fills in everything that is not given: address, headers, body and events, from the repository and the source provider of the application.',
        ),
      ),
      ...outgoing,
    },
    {
      title: 'OutgoingHookCreate',
      description: '`name` and `target_url` are required without a preset.',
    },
  ),
};
/** In the older form a hook belongs to a resource and operation. */
export const olderBodies = {
  incoming: Type.Object(
    { ...createBodies.incoming.properties, ...olderForm },
    {
      title: 'IncomingHookCreateForResource',
      examples: [{ preset: 'github', resource_type: 'application', resource_id: 1, action_type: 'deploy' }],
    },
  ),
  outgoing: Type.Object(
    { ...createBodies.outgoing.properties, ...olderForm },
    { title: 'OutgoingHookCreateForResource' },
  ),
};
export const changeBodies = {
  incoming: Type.Object(
    { ...incoming, name: Type.Optional(name) },
    {
      title: 'IncomingHookUpdate',
      examples: [{ trigger_when: { events: ['push', 'tag'], branches: ['main', 'release/*'] } }],
    },
  ),
  outgoing: Type.Object(
    { ...outgoing, name: Type.Optional(name), target_url: Type.Optional(target_url) },
    { title: 'OutgoingHookUpdate' },
  ),
};
