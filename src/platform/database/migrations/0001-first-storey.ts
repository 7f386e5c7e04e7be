import { sql, type CreateTableBuilder } from 'kysely';
import type { Db } from '../connect.ts';
import type { MigrationContext } from '../migrate.ts';

/** Accounts, the inventory, pipelines, hooks, actions and both records: everything that the main job needs. */
export async function up(db: Db, { dialect }: MigrationContext): Promise<void> {
  const blob = dialect === 'postgres' ? 'bytea' : 'blob';

  /** A table with an integer id that is never used twice. */
  const table = (name: string): CreateTableBuilder<string, 'id'> =>
    db.schema
      .createTable(name)
      .addColumn('id', dialect === 'postgres' ? 'bigserial' : 'integer', (column) =>
        dialect === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
      );
  const timestamps = <T extends string, C extends string>(builder: CreateTableBuilder<T, C>) =>
    builder
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull());
  const resource = <T extends string, C extends string>(builder: CreateTableBuilder<T, C>) =>
    builder
      .addColumn('resource_type', 'text', (column) => column.notNull())
      .addColumn('resource_id', 'bigint', (column) => column.notNull())
      .addColumn('application_id', 'bigint', (column) =>
        column.references('applications.id').onDelete('cascade'),
      )
      .addColumn('server_id', 'bigint', (column) => column.references('servers.id').onDelete('cascade'));

  await db.schema
    .createTable('meta')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('nodes')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();

  await timestamps(
    table('users')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('email', 'text', (column) => column.notNull().unique())
      .addColumn('password_hash', 'text', (column) => column.notNull())
      .addColumn('active', 'integer', (column) => column.notNull()),
  ).execute();
  await table('sessions')
    .addColumn('user_id', 'bigint', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('access_hash', 'text', (column) => column.notNull().unique())
    .addColumn('refresh_hash', 'text', (column) => column.notNull().unique())
    .addColumn('access_expires_at', 'bigint', (column) => column.notNull())
    .addColumn('refresh_expires_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await timestamps(
    db.schema
      .createTable('personal_access_tokens')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('user_id', 'bigint', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('token_hash', 'text', (column) => column.notNull().unique())
      .addColumn('last_used_at', 'bigint')
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint'),
  ).execute();
  await timestamps(
    table('organizations')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('url_slug', 'text', (column) => column.notNull().unique())
      .addColumn('owner_user_id', 'bigint', (column) => column.notNull().references('users.id')),
  ).execute();
  await db.schema
    .createTable('memberships')
    .addColumn('organization_id', 'bigint', (column) =>
      column.notNull().references('organizations.id').onDelete('cascade'),
    )
    .addColumn('user_id', 'bigint', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('memberships_pk', ['user_id', 'organization_id'])
    .execute();
  await timestamps(
    table('projects')
      .addColumn('organization_id', 'bigint', (column) =>
        column.notNull().references('organizations.id').onDelete('cascade'),
      )
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('created_by', 'bigint', (column) => column.notNull()),
  ).execute();
  await timestamps(
    table('environments')
      .addColumn('project_id', 'bigint', (column) =>
        column.notNull().references('projects.id').onDelete('cascade'),
      )
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('description', 'text')
      .addColumn('created_by', 'bigint', (column) => column.notNull()),
  ).execute();

  const environment = <T extends string, C extends string>(builder: CreateTableBuilder<T, C>) =>
    builder
      .addColumn('environment_id', 'bigint', (column) =>
        column.notNull().references('environments.id').onDelete('cascade'),
      )
      .addColumn('created_by', 'bigint', (column) => column.notNull());
  await timestamps(
    table('credentials')
      .addColumn('organization_id', 'bigint', (column) =>
        column.notNull().references('organizations.id').onDelete('cascade'),
      )
      .addColumn('environment_id', 'bigint', (column) =>
        column.references('environments.id').onDelete('cascade'),
      )
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('provider_code', 'text', (column) => column.notNull())
      .addColumn('provider_type', 'text', (column) => column.notNull())
      .addColumn('active', 'integer', (column) => column.notNull())
      .addColumn('settings_sealed', 'text', (column) => column.notNull())
      .addColumn('created_by', 'bigint', (column) => column.notNull()),
  ).execute();
  await timestamps(
    environment(table('applications'))
      .addColumn('credential_id', 'bigint', (column) => column.references('credentials.id'))
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('repository', 'text', (column) => column.notNull())
      .addColumn('default_branch', 'text', (column) => column.notNull())
      .addColumn('programming_language', 'text', (column) => column.notNull())
      .addColumn('engine_version', 'text', (column) => column.notNull())
      .addColumn('framework', 'text', (column) => column.notNull())
      .addColumn('root_directory', 'text')
      .addColumn('deployments_keep', 'integer', (column) => column.notNull())
      .addColumn('install_dependencies_command', 'text')
      .addColumn('build_command', 'text')
      .addUniqueConstraint('applications_name', ['environment_id', 'name']),
  ).execute();
  await timestamps(
    environment(table('servers'))
      .addColumn('hostname', 'text', (column) => column.notNull())
      .addColumn('ip_address', 'text')
      .addColumn('ssh_port', 'integer', (column) => column.notNull())
      .addColumn('ssh_user', 'text', (column) => column.notNull())
      .addColumn('public_key', 'text', (column) => column.notNull())
      .addColumn('private_key_sealed', 'text', (column) => column.notNull())
      .addColumn('max_parallel_actions', 'integer', (column) => column.notNull())
      .addColumn('provision_input', 'text')
      .addUniqueConstraint('servers_hostname', ['environment_id', 'hostname']),
  ).execute();
  await db.schema
    .createTable('application_servers')
    .addColumn('application_id', 'bigint', (column) =>
      column.notNull().references('applications.id').onDelete('cascade'),
    )
    .addColumn('server_id', 'bigint', (column) =>
      column.notNull().references('servers.id').onDelete('cascade'),
    )
    .addPrimaryKeyConstraint('application_servers_pk', ['application_id', 'server_id'])
    .execute();
  await timestamps(
    resource(table('variables'))
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('description', 'text')
      .addColumn('value_sealed', 'text', (column) => column.notNull())
      .addColumn('hidden', 'integer', (column) => column.notNull())
      .addColumn('created_by', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('variables_key', ['resource_type', 'resource_id', 'target', 'key']),
  ).execute();

  await timestamps(
    resource(environment(table('pipelines')))
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('operation', 'text', (column) => column.notNull())
      .addColumn('max_parallel_actions', 'integer', (column) => column.notNull())
      .addColumn('trigger_when', 'text'),
  ).execute();
  await timestamps(
    table('steps')
      .addColumn('pipeline_id', 'bigint', (column) =>
        column.notNull().references('pipelines.id').onDelete('cascade'),
      )
      .addColumn('name', 'text')
      .addColumn('description', 'text')
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('command', 'text', (column) => column.notNull())
      .addColumn('runner', 'text', (column) => column.notNull())
      .addColumn('run_as_user', 'text', (column) => column.notNull())
      .addColumn('trigger_order', 'integer', (column) => column.notNull()),
  ).execute();
  await timestamps(
    resource(environment(table('hooks')))
      .addColumn('uuid', 'text', (column) => column.notNull().unique())
      .addColumn('direction', 'text', (column) => column.notNull())
      .addColumn('pipeline_id', 'bigint', (column) => column.references('pipelines.id').onDelete('cascade'))
      .addColumn('action_type', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('active', 'integer', (column) => column.notNull())
      .addColumn('definition_sealed', 'text', (column) => column.notNull())
      .addColumn('secret_sealed', 'text'),
  ).execute();

  // The records below carry no foreign key to what they record: they outlive it until retention prunes them.
  await table('hook_requests')
    .addColumn('uuid', 'text', (column) => column.notNull().unique())
    .addColumn('hook_id', 'bigint', (column) => column.notNull())
    .addColumn('hook_uuid', 'text', (column) => column.notNull())
    .addColumn('environment_id', 'bigint', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('status_code', 'integer', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('errors', 'text')
    .addColumn('ip_address', 'text', (column) => column.notNull())
    .addColumn('request_headers', 'text')
    .addColumn('request_bytes', 'bigint', (column) => column.notNull())
    .addColumn('payload_id', 'bigint')
    .addColumn('payload_offset', 'bigint')
    .addColumn('payload_length', 'bigint')
    .addColumn('duration_us', 'bigint', (column) => column.notNull())
    .addColumn('dedup_key', blob)
    .addColumn('action_id', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await table('request_payloads')
    .addColumn('content', blob, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await timestamps(
    table('actions')
      .addColumn('organization_id', 'bigint', (column) => column.notNull())
      .addColumn('project_id', 'bigint', (column) => column.notNull())
      .addColumn('environment_id', 'bigint', (column) => column.notNull())
      .addColumn('pipeline_id', 'bigint')
      .addColumn('resource_type', 'text', (column) => column.notNull())
      .addColumn('resource_id', 'bigint', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('reason_code', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('trigger_comment', 'text')
      .addColumn('retry_of', 'bigint')
      .addColumn('triggered_from', 'text', (column) => column.notNull())
      .addColumn('parameters', 'text', (column) => column.notNull())
      .addColumn('claimed_by', 'text')
      .addColumn('run_id', 'text')
      .addColumn('started_at', 'bigint')
      .addColumn('completed_at', 'bigint'),
  ).execute();
  const run = <T extends string, C extends string>(builder: CreateTableBuilder<T, C>) =>
    timestamps(
      builder
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('reason_code', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('started_at', 'bigint')
        .addColumn('completed_at', 'bigint'),
    );
  await run(
    table('action_targets')
      .addColumn('action_id', 'bigint', (column) =>
        column.notNull().references('actions.id').onDelete('cascade'),
      )
      .addColumn('resource_type', 'text', (column) => column.notNull())
      .addColumn('resource_id', 'bigint', (column) => column.notNull())
      .addColumn('resource_data', 'text', (column) => column.notNull()),
  ).execute();
  await run(
    table('action_steps')
      .addColumn('action_id', 'bigint', (column) =>
        column.notNull().references('actions.id').onDelete('cascade'),
      )
      .addColumn('target_id', 'bigint', (column) =>
        column.notNull().references('action_targets.id').onDelete('cascade'),
      )
      .addColumn('step_order', 'integer', (column) => column.notNull())
      .addColumn('name', 'text')
      .addColumn('description', 'text')
      .addColumn('command', 'text', (column) => column.notNull())
      .addColumn('run_as_user', 'text', (column) => column.notNull())
      .addColumn('exit_code', 'integer'),
  ).execute();
  await table('step_logs')
    .addColumn('step_id', 'bigint', (column) =>
      column.notNull().references('action_steps.id').onDelete('cascade'),
    )
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await table('action_events')
    .addColumn('action_id', 'bigint', (column) =>
      column.notNull().references('actions.id').onDelete('cascade'),
    )
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('context', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await timestamps(
    table('deliveries')
      .addColumn('uuid', 'text', (column) => column.notNull().unique())
      .addColumn('hook_id', 'bigint', (column) => column.notNull())
      .addColumn('hook_uuid', 'text', (column) => column.notNull())
      .addColumn('environment_id', 'bigint', (column) => column.notNull())
      .addColumn('action_id', 'bigint', (column) => column.notNull())
      .addColumn('event_id', 'bigint', (column) => column.notNull())
      .addColumn('event', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('next_attempt_at', 'bigint', (column) => column.notNull())
      .addColumn('claimed_by', 'text'),
  ).execute();
  await table('delivery_attempts')
    .addColumn('uuid', 'text', (column) => column.notNull().unique())
    .addColumn('delivery_id', 'bigint', (column) =>
      column.notNull().references('deliveries.id').onDelete('cascade'),
    )
    .addColumn('hook_id', 'bigint', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('request_headers', 'text', (column) => column.notNull())
    .addColumn('request_body', 'text', (column) => column.notNull())
    .addColumn('status_code', 'integer', (column) => column.notNull())
    .addColumn('response_headers', 'text', (column) => column.notNull())
    .addColumn('response_body', 'text', (column) => column.notNull())
    .addColumn('ip_address', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('duration_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();

  const index = (on: string, columns: string[]) =>
    db.schema
      .createIndex(`${on}_${columns.join('_')}`)
      .on(on)
      .columns(columns)
      .execute();
  await index('projects', ['organization_id']);
  await index('environments', ['project_id']);
  await index('credentials', ['organization_id']);
  await index('variables', ['resource_type', 'resource_id']);
  await index('pipelines', ['resource_type', 'resource_id']);
  await index('steps', ['pipeline_id', 'trigger_order']);
  await index('hooks', ['pipeline_id']);
  await index('hooks', ['resource_type', 'resource_id']);
  await index('sessions', ['user_id']);
  await index('hook_requests', ['hook_id', 'id']);
  await index('actions', ['environment_id', 'id']);
  await index('actions', ['pipeline_id', 'id']);
  await index('action_targets', ['action_id']);
  await index('action_steps', ['target_id', 'step_order']);
  await index('step_logs', ['step_id', 'id']);
  await index('action_events', ['action_id', 'id']);
  await index('deliveries', ['hook_id', 'id']);
  await index('deliveries', ['action_id', 'id']);
  await index('delivery_attempts', ['delivery_id', 'attempt']);
  await index('delivery_attempts', ['hook_id', 'id']);

  // Partial indexes hold only the few rows that are still open, so that finding work costs the same after millions of runs.
  await sql`create unique index hook_requests_dedup_key on hook_requests (dedup_key) where dedup_key is not null`.execute(
    db,
  );
  await sql`create index actions_pending on actions (id) where status = 'pending'`.execute(db);
  await sql`create index actions_active on actions (pipeline_id, status, id) where status in ('waiting', 'queued', 'in-progress')`.execute(
    db,
  );
  await sql`create index actions_claimed on actions (claimed_by) where claimed_by is not null`.execute(db);
  await sql`create index deliveries_due on deliveries (status, next_attempt_at, id) where status in ('pending', 'sending')`.execute(
    db,
  );
  await sql`create index deliveries_order on deliveries (hook_id, action_id, id) where status in ('pending', 'sending')`.execute(
    db,
  );
}
