import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../accounts/present.ts';
import { resourceTypes, type ResourceType } from '../inventory/resource.ts';
import { operationCodes, type Operation } from '../pipelines/operations.ts';
import { isoTime } from '../platform/clock.ts';
import type { FieldError } from '../platform/errors.ts';
import { FieldFault, Nullable, OneOf, Time, UuidText } from '../platform/http/schemas.ts';
import { mask, type SecretBox } from '../platform/secret-box.ts';
import {
  HookVariable,
  RequestBody,
  RequestHeader,
  IncomingCondition,
  TlsSettings,
  type IncomingDefinition,
  type OutgoingCondition,
  type OutgoingDefinition,
} from './definition.ts';
import { breakerState, breakerStates, type HookHealthRow } from './health.ts';
import { missingConditions } from './apply-incoming-preset.ts';
import { incomingPresets } from './incoming-presets.ts';
import { eventsOf, type InstallationRow } from './installations.ts';
import { knownContext } from './known-context.ts';
import type { LatestRow } from './latest.ts';
import type { HookRefusalsRow } from './refusals.ts';
import { openHook } from './registry.ts';
import { maskHeaderTemplate } from './sensitive-headers.ts';
import { maskBodyTemplate, maskUrlTemplate } from './written-secrets.ts';
import { signatureScheme } from './signature-schemes.ts';
import { openIncoming, type HookRow } from './store.ts';
import { templateWarnings } from './template-warnings.ts';

/** A condition of either kind of hook. */
const HookCondition = Type.Object(
  {
    ...IncomingCondition.properties,
    accepted_values: Type.Array(Type.Unknown({ description: 'A text, a number or a boolean.' })),
  },
  { title: 'HookCondition', description: 'A condition of an outgoing hook has no `name` and no `type`.' },
);

export const Hook = Type.Object(
  {
    id: UuidText,
    name: Type.String(),
    type: Type.Unsafe<'in' | 'out'>({
      ...OneOf(['in', 'out']),
      description: '`in` of an incoming hook, `out` of an outgoing one.',
    }),
    action_type: OneOf(operationCodes),
    url: Nullable(Type.String({ description: 'Of an incoming hook: the address for the sender.' })),
    target_url: Nullable(Type.String({ description: 'Of an outgoing hook: a template.' })),
    is_auto_generated: Type.Boolean(),
    requires_secret: Type.Boolean(),
    verify_ssl: Type.Boolean(),
    active: Type.Boolean(),
    project_id: Type.Integer(),
    environment_id: Type.Integer(),
    pipeline_id: Nullable(Type.Integer({ description: 'Null in the older form.' })),
    resource_type: OneOf(resourceTypes),
    resource_id: Type.Integer(),
    settings: Type.Object(
      {
        variables: Type.Optional(Type.Array(HookVariable, { description: 'Of an incoming hook.' })),
        delivery_id_paths: Type.Optional(Type.Array(Type.String(), { description: 'Of an incoming hook.' })),
        request_headers: Type.Optional(Type.Array(RequestHeader, { description: 'Of an outgoing hook.' })),
        request_body: Type.Optional(Nullable(RequestBody)),
      },
      { title: 'HookSettings' },
    ),
    trigger_when: Type.Object(
      {
        events: Type.Optional(
          Type.Array(Type.String(), {
            description: 'Of an outgoing hook; of an incoming one what its preset was to be for.',
          }),
        ),
        branches: Type.Optional(
          Type.Array(Type.String(), {
            description: 'Of an incoming hook: whose pushes its preset was to take.',
          }),
        ),
        conditions: Type.Array(HookCondition),
      },
      { title: 'HookTriggerWhen' },
    ),
    rate_limit_per_minute: Nullable(
      Type.Integer({
        description:
          'Of an incoming hook: what verifies beyond this many requests a minute is answered 429. Null: no limit.',
      }),
    ),
    refused_requests: Type.Integer({
      description:
        'Of an incoming hook: how many requests were refused that nobody had rightly signed, those that were not recorded included. Brought up to date about once a second.',
    }),
    last_refused_at: Nullable(Type.String({ description: 'When the last of `refused_requests` came.' })),
    secret: Type.String({ description: 'Shown once, at creation; a mask ever after.' }),
    signature_scheme: Nullable(Type.String({ description: 'Of an incoming hook that requires a secret.' })),
    signature_encoding: Nullable(Type.String()),
    signature_prefix: Nullable(Type.String()),
    secret_algorithm: Nullable(Type.String()),
    secret_header_name: Nullable(Type.String()),
    previous_secret_valid_until: Nullable(
      Type.String({
        description:
          'Until when the secret before the last rotation is accepted too, or signed with by an outgoing hook.',
      }),
    ),
    preset: Nullable(Type.String({ description: 'What it was made from.' })),
    signing: Type.Boolean({ description: 'Whether an outgoing hook signs, as Standard Webhooks says.' }),
    tls: Nullable(TlsSettings),
    breaker_state: Nullable(
      OneOf(
        breakerStates,
        'Of an outgoing hook. `open`: after 5 failures in a row nothing is sent until `blocked_until`; `half-open`: the next delivery probes.',
      ),
    ),
    blocked_until: Nullable(
      Type.String({
        description: 'Nothing is sent before: the breaker is open, or the receiver asked to wait.',
      }),
    ),
    failing_since: Nullable(
      Type.String({ description: 'The first attempt that failed since the last that was delivered.' }),
    ),
    failed_attempts: Type.Integer({ description: 'Attempts since `failing_since`.' }),
    last_failure: Nullable(Type.String({ description: 'Why the last of them failed.' })),
    disabled_at: Nullable(Time),
    disabled_reason: Nullable(
      Type.String({ description: 'Why Hookline switched it off: a 410, or five days without a success.' }),
    ),
    installation: Nullable(
      Type.Object(
        {
          provider: Type.String(),
          repository: Type.String(),
          provider_hook_id: Type.String({ description: 'The id of the webhook at the provider.' }),
          events: Type.Array(Type.String(), { description: 'In the words of the provider.' }),
          installed_at: Time,
        },
        {
          title: 'HookInstallation',
          description:
            'Of an incoming hook: where `install` has registered it. Whether it is still there is not known.',
        },
      ),
    ),
    warnings: Type.Array(FieldFault, {
      description:
        'Of an outgoing hook: names in its templates and conditions that no event will have. Of an incoming one: that it waits for its secret or takes unsigned requests, and which conditions of its preset it has no more.',
    }),
    created_by_user: Nullable(UserRelation),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Hook' },
);

export const EnvironmentHook = Type.Object(
  {
    ...Hook.properties,
    latest: Nullable(
      Type.Object(
        {
          id: UuidText,
          outcome: Type.String(),
          reason: Type.String(),
          created_at: Time,
        },
        {
          title: 'HookLatest',
          description: 'Of an incoming hook its last request, of an outgoing one its last delivery.',
        },
      ),
    ),
  },
  { title: 'EnvironmentHook' },
);

export const RotatedSecret = Type.Object(
  {
    secret: Type.String(),
    previous_secret_valid_until: Time,
    warnings: Type.Array(Type.String(), { description: 'What is left to be done.' }),
  },
  { title: 'RotatedSecret' },
);

/** The address that senders call. */
export function triggerUrl(publicUrl: string, uuid: string): string {
  return `${publicUrl}/api/hooks/${uuid}/trigger`;
}

export function presentHook(
  row: HookRow,
  context: {
    box: SecretBox;
    publicUrl: string;
    projectId: number;
    users: UserLookup;
    now: number;
    health: HookHealthRow | undefined;
    refusals: HookRefusalsRow | undefined;
    installation: InstallationRow | undefined;
    /** The names of the variables that the incoming hooks beside it extract; of an outgoing hook only. */
    variables: string[];
  },
): Static<typeof Hook> {
  const common = {
    id: row.uuid,
    name: row.name,
    type: row.direction,
    // Safe, here and below: only the schema's values are written.
    action_type: row.action_type as Operation,
    is_auto_generated: false,
    active: row.active === 1,
    project_id: context.projectId,
    environment_id: row.environment_id,
    pipeline_id: row.pipeline_id,
    resource_type: row.resource_type as ResourceType,
    resource_id: row.resource_id,
    secret: row.secret_sealed === null ? '' : mask,
    previous_secret_valid_until: isoTime(row.previous_secret_expires_at),
    preset: row.preset,
    rate_limit_per_minute: null,
    refused_requests: context.refusals?.count ?? 0,
    last_refused_at: isoTime(context.refusals?.last_at ?? null),
    signing: false,
    tls: null,
    breaker_state: null,
    blocked_until: null,
    failing_since: null,
    failed_attempts: 0,
    last_failure: null,
    disabled_at: isoTime(row.disabled_at),
    disabled_reason: row.disabled_reason,
    installation: presentInstallation(context.installation),
    warnings: [],
    created_by_user: context.users(row.created_by),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
  if (row.direction === 'in') {
    const definition = openIncoming(context.box, row);
    return {
      ...common,
      ...presentIncomingDefinition(definition),
      url: triggerUrl(context.publicUrl, row.uuid),
      target_url: null,
      verify_ssl: true,
      warnings: warningsOfIncoming(row, definition),
    };
  }
  const { definition, compiled } = openHook(context.box, row);
  const { health, now } = context;
  const known = knownContext(row.resource_type, context.variables);
  return {
    ...common,
    signing: definition.signing ?? false,
    tls: presentTls(definition.tls),
    breaker_state: breakerState(health, now),
    blocked_until: isoTime((health?.blocked_until ?? 0) > now ? (health?.blocked_until ?? null) : null),
    failing_since: isoTime(health?.failing_since ?? null),
    failed_attempts: health?.failed_attempts ?? 0,
    last_failure: health?.reason ?? null,
    warnings: warningsOf(row, context.variables, () =>
      templateWarnings(compiled, definition.conditions, known),
    ),
    url: null,
    target_url: maskUrlTemplate(definition.target_url),
    verify_ssl: definition.verify_ssl,
    requires_secret: false,
    signature_scheme: null,
    signature_encoding: null,
    signature_prefix: null,
    secret_algorithm: null,
    secret_header_name: null,
    settings: {
      request_headers: definition.request_headers.map(({ name, value }) => ({
        name,
        value: maskHeaderTemplate(name, value),
      })),
      request_body: maskBodyTemplate(definition.request_body),
    },
    trigger_when: { events: definition.events, conditions: definition.conditions.map(presentCondition) },
  };
}

/** What an answer shows of the definition of an incoming hook. */
export function presentIncomingDefinition(definition: IncomingDefinition) {
  return {
    requires_secret: definition.requires_secret,
    signature_scheme: definition.requires_secret ? (definition.signature_scheme ?? 'hmac') : null,
    signature_encoding: definition.signature_encoding ?? null,
    signature_prefix: definition.signature_prefix ?? null,
    secret_algorithm: definition.secret_algorithm,
    secret_header_name: definition.secret_header_name,
    rate_limit_per_minute: definition.rate_limit_per_minute ?? null,
    settings: {
      variables: definition.variables,
      delivery_id_paths: definition.delivery_id_paths ?? [],
    },
    trigger_when: {
      ...(definition.events ? { events: definition.events } : {}),
      ...(definition.branches ? { branches: definition.branches } : {}),
      conditions: definition.conditions.map(presentCondition),
    },
  };
}

function warningsOfIncoming(row: HookRow, definition: IncomingDefinition): FieldError[] {
  const warnings: FieldError[] = [];
  const preset = incomingPresets.find((one) => one === row.preset);
  const missing = preset === undefined ? [] : missingConditions(preset, definition);
  if (missing.length > 0) {
    const message = `are without those of the preset named ${missing.join(', ')}: what these kept out runs`;
    warnings.push({ field: 'trigger_when.conditions', message });
  }
  for (const [index, { type, path }] of definition.conditions.entries()) {
    if (type !== 'variable' || definition.variables.some(({ name }) => `${path}.`.startsWith(`${name}.`)))
      continue;
    const message = 'names no variable of the hook: there is never anything';
    warnings.push({ field: `trigger_when.conditions.${index}.path`, message });
  }
  if (!definition.requires_secret) {
    const message = 'is false: whoever knows the URL can have the pipeline run';
    return [...warnings, { field: 'requires_secret', message }];
  }
  if (row.secret_sealed !== null) return warnings;
  const { sender } = signatureScheme(definition.signature_scheme ?? 'hmac');
  const message = `is not set: every request is refused. ${sender} shows it once the URL is entered there; put it here with PUT`;
  return [...warnings, { field: 'secret', message }];
}

/** A list shows a hundred hooks at a time, and what is wrong with their names changes with their definitions alone. */
const knownWarnings = new Map<string, FieldError[]>();
const mostKnownWarnings = 1000;

function warningsOf(row: HookRow, variables: string[], find: () => FieldError[]): FieldError[] {
  const key = [row.uuid, row.version, ...variables].join(' ');
  let warnings = knownWarnings.get(key);
  if (!warnings) {
    warnings = find();
    if (knownWarnings.size >= mostKnownWarnings) knownWarnings.clear();
    knownWarnings.set(key, warnings);
  }
  return warnings;
}

export function presentLatest(latest: LatestRow | undefined) {
  if (!latest) return null;
  const { at, ...rest } = latest;
  return { ...rest, created_at: isoTime(at) };
}

function presentInstallation(installation: InstallationRow | undefined) {
  if (!installation) return null;
  const { provider, repository, provider_hook_id, installed_at } = installation;
  const events = eventsOf(installation);
  return { provider, repository, provider_hook_id, events, installed_at: isoTime(installed_at) };
}

function presentTls(tls: OutgoingDefinition['tls']) {
  return tls ? { ...tls, client_key: tls.client_key === null ? null : mask } : null;
}

/**
 * The reference's clients take values other than text only in conditions on the body. A number and its text are the same
 * to a condition, so nothing is lost.
 */
function presentCondition<Condition extends IncomingCondition | OutgoingCondition>(given: Condition) {
  const accepted_values = given.accepted_values ?? [];
  const condition = { ...given, accepted_values };
  const isText = accepted_values.every((value) => typeof value === 'string');
  const ofBody = 'type' in condition && (condition.type ?? 'request_body') === 'request_body';
  if (isText) return condition;
  return ofBody
    ? { ...condition, type: 'request_body' }
    : { ...condition, accepted_values: accepted_values.map(String) };
}
