import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../../accounts/present.ts';
import { isoTime } from '../../platform/clock.ts';
import { hostKeyFingerprint } from '../../platform/ssh-host-key.ts';
import { alwaysEmpty, Nullable, OneOf, Time, Unused } from '../../platform/http/schemas.ts';
import {
  EnvironmentRelation,
  presentEnvironmentRelation,
  presentProject,
  ProjectRelation,
} from '../places/present.ts';
import type { Place } from '../places/store.ts';
import type { ServerRow } from './store.ts';

/** The states of the reference that a server of one's own can be in. */
const serverStatuses = ['failed', 'restarting', 'running', 'stopped'] as const;
export type ServerStatus = (typeof serverStatuses)[number];

const cloud_service_code = 'self-hosted-custom';

const properties = {
  id: Type.Integer(),
  created_by: Type.Integer(),
  name: Type.String(),
  hostname: Type.String(),
  environment_id: Type.Integer(),
  provider_name: Type.String(),
  provider_name_human_readable: Type.String(),
  region: Unused,
  region_human_readable: Unused,
  ip_address: Type.Optional(Type.String()),
  ssh_port: Type.Integer(),
  ssh_user: Type.String(),
  active: Type.Boolean(),
  status: Type.Unsafe<ServerStatus>({
    ...OneOf(serverStatuses),
    description: 'As the last action of start, stop, restart or get-status has left it.',
  }),
  credential: Unused,
  last_action: Unused,
  created_at: Time,
  updated_at: Time,
};

export const ServerRelation = Type.Object(properties, { title: 'ServerRelation' });

/** What the reference asks of whoever provides the machine; here it is always one's own. */
export const ProvisionInput = Type.Object(
  { cloud_service_code: OneOf([cloud_service_code]) },
  { title: 'ProvisionInput' },
);

export const ServerConnection = Type.Object(
  {
    status: OneOf(
      ['untested', 'ok', 'failed'],
      'What the last test has found; `untested` until the one that follows a change is done.',
    ),
    message: Nullable(Type.String({ description: 'What was wrong, and what helps.' })),
    checked_at: Nullable(Time),
    host_key_fingerprint: Nullable(
      Type.String({ description: 'Of the host key that the server must have; as `ssh-keygen -l` shows it.' }),
    ),
  },
  { title: 'ServerConnection' },
);

export function presentConnection(row: ServerRow): Static<typeof ServerConnection> {
  return {
    status: row.connection_status ?? 'untested',
    message: row.connection_message,
    checked_at: isoTime(row.connection_checked_at),
    host_key_fingerprint: row.host_key === null ? null : hostKeyFingerprint(row.host_key),
  };
}

export const Server = Type.Object(
  {
    ...properties,
    cloud_service_code: OneOf([cloud_service_code]),
    ssh_public_key: Type.String(),
    ssh_install_command: Type.String({
      description: 'The line that lets Hookline sign in; run it as that user on the server.',
    }),
    ssh_host_key: Nullable(
      Type.String({
        description: 'The one that the server must have, as in `known_hosts`; null until it is known.',
      }),
    ),
    connection: ServerConnection,
    os: Type.Object(
      {
        name: Type.String(),
        code_name: Type.String(),
        version: Type.String(),
        os_version_code: Unused,
        os_version_code_human_readable: Type.String(),
        released_at: Type.String(),
        end_standard_support_at: Type.String(),
        end_of_life_at: Type.String(),
      },
      { title: 'OperatingSystem', description: 'Hookline does not look at it: the texts are empty.' },
    ),
    os_version_code: Unused,
    max_parallel_actions: Type.Integer({ description: '0 means no limit.' }),
    blueprint: Type.Object(
      { spec: Type.Object({ services: Type.Array(Type.Unknown(), { description: alwaysEmpty }) }) },
      { title: 'ServerBlueprint' },
    ),
    provision_input: ProvisionInput,
    created_by_user: Nullable(UserRelation),
    project: Nullable(ProjectRelation),
    environment: Nullable(EnvironmentRelation),
  },
  { title: 'Server' },
);

export function presentServerRelation(row: ServerRow): Static<typeof ServerRelation> {
  return {
    id: row.id,
    created_by: row.created_by,
    name: row.hostname,
    hostname: row.hostname,
    environment_id: row.environment_id,
    provider_name: 'self-hosted',
    provider_name_human_readable: 'Self-hosted',
    region: null,
    region_human_readable: null,
    ...(row.ip_address === null ? {} : { ip_address: row.ip_address }),
    ssh_port: row.ssh_port,
    ssh_user: row.ssh_user,
    active: true,
    // Safe: only `actions/server-status.ts` writes the column.
    status: row.status as ServerStatus,
    credential: null,
    last_action: null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export function presentServer(
  row: ServerRow,
  { place, users }: { place: Place | undefined; users: UserLookup },
): Static<typeof Server> {
  return {
    ...presentServerRelation(row),
    cloud_service_code,
    ssh_public_key: row.public_key,
    ssh_install_command: `mkdir -p -m 700 ~/.ssh && echo '${row.public_key}' >> ~/.ssh/authorized_keys`,
    ssh_host_key: row.host_key,
    connection: presentConnection(row),
    os: {
      name: '',
      code_name: '',
      version: '',
      os_version_code: null,
      os_version_code_human_readable: '',
      released_at: '',
      end_standard_support_at: '',
      end_of_life_at: '',
    },
    os_version_code: null,
    max_parallel_actions: row.max_parallel_actions,
    blueprint: { spec: { services: [] } },
    provision_input: { cloud_service_code },
    created_by_user: users(row.created_by),
    project: place ? presentProject(place.project, place.organization, users) : null,
    environment: place ? presentEnvironmentRelation(place.environment, place, users) : null,
  };
}
