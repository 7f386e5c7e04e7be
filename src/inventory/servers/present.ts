import { Type, type Static } from 'typebox';
import { isoTime } from '../../platform/clock.ts';
import { Nullable, Time } from '../../platform/http/schemas.ts';
import type { ServerRow } from './store.ts';

export const Server = Type.Object({
  id: Type.Integer(),
  created_by: Type.Integer(),
  name: Type.String(),
  hostname: Type.String(),
  environment_id: Type.Integer(),
  provider_name: Type.String(),
  provider_name_human_readable: Type.String(),
  cloud_service_code: Type.String(),
  region: Nullable(Type.String()),
  region_human_readable: Nullable(Type.String()),
  ip_address: Type.Optional(Type.String()),
  ssh_port: Type.Integer(),
  ssh_user: Type.String(),
  ssh_public_key: Type.String(),
  ssh_install_command: Type.String({
    description: 'The line that lets Hookline sign in; run it as that user on the server.',
  }),
  os: Type.Null(),
  os_version_code: Type.Null(),
  active: Type.Boolean(),
  status: Type.String(),
  max_parallel_actions: Type.Integer(),
  blueprint: Type.Null(),
  provision_input: Type.Object({ cloud_service_code: Type.String() }),
  credential: Type.Null(),
  last_action: Type.Null(),
  created_by_user: Type.Null(),
  project: Type.Null(),
  environment: Type.Null(),
  created_at: Time,
  updated_at: Time,
});

const cloud_service_code = 'self-hosted-custom';

export function presentServer(row: ServerRow): Static<typeof Server> {
  return {
    id: row.id,
    created_by: row.created_by,
    name: row.hostname,
    hostname: row.hostname,
    environment_id: row.environment_id,
    provider_name: 'self-hosted',
    provider_name_human_readable: 'Self-hosted',
    cloud_service_code,
    region: null,
    region_human_readable: null,
    ...(row.ip_address === null ? {} : { ip_address: row.ip_address }),
    ssh_port: row.ssh_port,
    ssh_user: row.ssh_user,
    ssh_public_key: row.public_key,
    ssh_install_command: `mkdir -p -m 700 ~/.ssh && echo '${row.public_key}' >> ~/.ssh/authorized_keys`,
    os: null,
    os_version_code: null,
    active: true,
    status: 'running',
    max_parallel_actions: row.max_parallel_actions,
    blueprint: null,
    provision_input: { cloud_service_code },
    credential: null,
    last_action: null,
    created_by_user: null,
    project: null,
    environment: null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}
