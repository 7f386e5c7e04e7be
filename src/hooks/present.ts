import { Type, type Static } from 'typebox';
import { UserRelation } from '../accounts/present.ts';
import { isoTime } from '../platform/clock.ts';
import { Nullable, Time } from '../platform/http/schemas.ts';
import { mask, type SecretBox } from '../platform/secret-box.ts';
import { HookVariable, RequestBody, RequestHeader } from './definition.ts';
import { maskHeaderTemplate } from './sensitive-headers.ts';
import { maskBodyTemplate, maskUrlTemplate } from './written-secrets.ts';
import { openIncoming, openOutgoing, type HookRow } from './store.ts';

export const Hook = Type.Object({
  id: Type.String(),
  name: Type.String(),
  type: Type.String({ description: 'in or out' }),
  action_type: Type.String(),
  url: Nullable(Type.String()),
  target_url: Nullable(Type.String()),
  is_auto_generated: Type.Boolean(),
  requires_secret: Type.Boolean(),
  verify_ssl: Type.Boolean(),
  active: Type.Boolean(),
  project_id: Type.Integer(),
  environment_id: Type.Integer(),
  pipeline_id: Nullable(Type.Integer()),
  resource_type: Type.String(),
  resource_id: Type.Integer(),
  settings: Type.Object({
    variables: Type.Optional(Type.Array(HookVariable)),
    request_headers: Type.Optional(Type.Array(RequestHeader)),
    request_body: Type.Optional(Nullable(RequestBody)),
  }),
  trigger_when: Type.Object({
    events: Type.Optional(Type.Array(Type.String())),
    conditions: Type.Array(Type.Unknown()),
  }),
  secret: Type.String({ description: 'Shown once, at creation; a mask ever after.' }),
  secret_algorithm: Nullable(Type.String()),
  secret_header_name: Nullable(Type.String()),
  created_by_user: Nullable(UserRelation),
  created_at: Time,
  updated_at: Time,
});

/** The address that senders call. */
export function triggerUrl(publicUrl: string, uuid: string): string {
  return `${publicUrl}/api/hooks/${uuid}/trigger`;
}

export function presentHook(
  row: HookRow,
  context: { box: SecretBox; publicUrl: string; projectId: number },
): Static<typeof Hook> {
  const common = {
    id: row.uuid,
    name: row.name,
    type: row.direction,
    action_type: row.action_type,
    is_auto_generated: false,
    active: row.active === 1,
    project_id: context.projectId,
    environment_id: row.environment_id,
    pipeline_id: row.pipeline_id,
    resource_type: row.resource_type,
    resource_id: row.resource_id,
    secret: row.secret_sealed === null ? '' : mask,
    created_by_user: null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
  if (row.direction === 'in') {
    const definition = openIncoming(context.box, row);
    return {
      ...common,
      url: triggerUrl(context.publicUrl, row.uuid),
      target_url: null,
      verify_ssl: true,
      requires_secret: definition.requires_secret,
      secret_algorithm: definition.secret_algorithm,
      secret_header_name: definition.secret_header_name,
      settings: { variables: definition.variables },
      trigger_when: { conditions: definition.conditions },
    };
  }
  const definition = openOutgoing(context.box, row);
  return {
    ...common,
    url: null,
    target_url: maskUrlTemplate(definition.target_url),
    verify_ssl: definition.verify_ssl,
    requires_secret: false,
    secret_algorithm: null,
    secret_header_name: null,
    settings: {
      request_headers: definition.request_headers.map(({ name, value }) => ({
        name,
        value: maskHeaderTemplate(name, value),
      })),
      request_body: maskBodyTemplate(definition.request_body),
    },
    trigger_when: { events: definition.events, conditions: definition.conditions },
  };
}
