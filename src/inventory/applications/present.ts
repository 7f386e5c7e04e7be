import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../../accounts/present.ts';
import { isoTime } from '../../platform/clock.ts';
import { alwaysEmpty, Nullable, Time, Unused } from '../../platform/http/schemas.ts';
import { CredentialRelation } from '../credentials/present.ts';
import { EnvironmentRelation, presentEnvironmentRelation } from '../places/present.ts';
import type { Place } from '../places/store.ts';
import { presentServerRelation, ServerRelation } from '../servers/present.ts';
import type { ServerRow } from '../servers/store.ts';
import { parseRepository } from './repository.ts';
import type { ApplicationRow } from './store.ts';

export const ApplicationRelation = Type.Object(
  {
    id: Type.Integer(),
    project_id: Type.Integer(),
    environment_id: Type.Integer(),
    created_by: Type.Integer(),
    name: Type.String(),
    repository: Type.String(),
    repository_name: Type.String(),
    repository_owner: Type.String(),
    default_branch: Type.String(),
    programming_language: Type.String(),
    programming_language_human_readable: Type.String(),
    engine_version: Type.String(),
    framework: Type.String(),
    framework_human_readable: Type.String(),
    root_directory: Nullable(Type.String()),
    deploy_directory: Nullable(
      Type.String({ description: 'Where its releases lie on a target; null for `~/<name>`.' }),
    ),
    deployments_keep: Type.Integer({ description: 'How many releases are kept.' }),
    install_dependencies_command: Nullable(Type.String()),
    build_command: Nullable(Type.String()),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'ApplicationRelation' },
);

/** Kinds of the reference that Hookline has none of. */
const NoEntries = Type.Array(Type.Unknown(), { description: alwaysEmpty });

export const Application = Type.Object(
  {
    ...ApplicationRelation.properties,
    root_directory: Type.String({ description: 'Empty where none is set.' }),
    created_by_user: Nullable(UserRelation),
    last_deployments: Type.Object({ latest: Unused, live: Unused }),
    environment: Nullable(EnvironmentRelation),
    credential: Nullable(CredentialRelation),
    servers: Type.Array(ServerRelation),
    services: NoEntries,
    cronjobs: NoEntries,
    virtual_hosts: NoEntries,
    daemons: NoEntries,
  },
  { title: 'Application' },
);

export function presentApplicationRelation(
  row: ApplicationRow,
  projectId: number,
): Static<typeof ApplicationRelation> {
  const repository = parseRepository(row.repository);
  return {
    id: row.id,
    project_id: projectId,
    environment_id: row.environment_id,
    created_by: row.created_by,
    name: row.name,
    repository: row.repository,
    repository_name: repository?.name ?? '',
    repository_owner: repository?.owner ?? '',
    default_branch: row.default_branch,
    programming_language: row.programming_language,
    programming_language_human_readable: row.programming_language,
    engine_version: row.engine_version,
    framework: row.framework,
    framework_human_readable: row.framework,
    root_directory: row.root_directory,
    deploy_directory: row.deploy_directory,
    deployments_keep: row.deployments_keep,
    install_dependencies_command: row.install_dependencies_command,
    build_command: row.build_command,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export function presentApplication(
  row: ApplicationRow,
  around: {
    projectId: number;
    place: Place | undefined;
    credential: Static<typeof CredentialRelation> | null;
    servers: ServerRow[];
    users: UserLookup;
  },
): Static<typeof Application> {
  const { place, users } = around;
  return {
    ...presentApplicationRelation(row, around.projectId),
    // A list shows null; the reference has it so.
    root_directory: row.root_directory ?? '',
    created_by_user: users(row.created_by),
    last_deployments: { latest: null, live: null },
    environment: place ? presentEnvironmentRelation(place.environment, place, users) : null,
    credential: around.credential,
    servers: around.servers.map(presentServerRelation),
    services: [],
    cronjobs: [],
    virtual_hosts: [],
    daemons: [],
  };
}
