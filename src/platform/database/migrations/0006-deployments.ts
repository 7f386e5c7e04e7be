import { sql } from 'kysely';
import type { Db } from '../connect.ts';
import type { MigrationContext } from '../migrate.ts';

/** Releases, servers reached by SSH, cancelling, and one stream of what happens in an action. */
export async function up(db: Db, { dialect }: MigrationContext): Promise<void> {
  const { schema } = db;
  await schema.alterTable('applications').addColumn('deploy_directory', 'text').execute();

  await schema.alterTable('servers').addColumn('host_key', 'text').execute();
  await schema.alterTable('servers').addColumn('connection_status', 'text').execute();
  await schema.alterTable('servers').addColumn('connection_message', 'text').execute();
  await schema.alterTable('servers').addColumn('connection_checked_at', 'bigint').execute();

  // A pipeline from before there were default steps does what its own steps do.
  await schema
    .alterTable('pipelines')
    .addColumn('default_steps', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema
    .alterTable('pipelines')
    .addColumn('when_waiting', 'text', (column) => column.notNull().defaultTo('queue'))
    .execute();
  await schema.alterTable('pipelines').addColumn('timeout_seconds', 'integer').execute();
  await schema
    .alterTable('steps')
    .addColumn('after_activation', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema.alterTable('steps').addColumn('timeout_seconds', 'integer').execute();

  await schema.alterTable('actions').addColumn('action_data', 'text').execute();
  await schema.alterTable('actions').addColumn('cancelled_by', 'text').execute();
  await schema
    .alterTable('actions')
    .addColumn('last_seq', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema
    .alterTable('action_steps')
    .addColumn('kind', 'text', (column) => column.notNull().defaultTo('command'))
    .execute();
  await schema
    .alterTable('action_steps')
    .addColumn('timeout_seconds', 'integer', (column) => column.notNull().defaultTo(3600))
    .execute();
  await sql`create index action_targets_running on action_targets (resource_id) where status = 'in-progress'`.execute(
    db,
  );

  await schema
    .createTable('releases')
    .addColumn('id', dialect === 'postgres' ? 'bigserial' : 'integer', (column) =>
      dialect === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
    )
    .addColumn('application_id', 'bigint', (column) =>
      column.notNull().references('applications.id').onDelete('cascade'),
    )
    .addColumn('action_id', 'bigint', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('commit', 'text')
    .addColumn('activated_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
  await sql`create index releases_application on releases (application_id, id)`.execute(db);

  await schema
    .createTable('action_stream')
    .addColumn('id', dialect === 'postgres' ? 'bigserial' : 'integer', (column) =>
      dialect === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
    )
    .addColumn('action_id', 'bigint', (column) =>
      column.notNull().references('actions.id').onDelete('cascade'),
    )
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('step_id', 'bigint')
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await sql`insert into action_stream (action_id, seq, type, step_id, content, created_at)
    select action_steps.action_id,
      row_number() over (partition by action_steps.action_id order by step_logs.id),
      'log', step_logs.step_id, step_logs.content, step_logs.created_at
    from step_logs join action_steps on action_steps.id = step_logs.step_id order by step_logs.id`.execute(
    db,
  );
  await sql`update actions set last_seq = (select max(seq) from action_stream where action_id = actions.id)
    where id in (select action_id from action_stream)`.execute(db);
  await sql`create unique index action_stream_seq on action_stream (action_id, seq)`.execute(db);
  await sql`create index action_stream_step on action_stream (step_id, seq) where step_id is not null`.execute(
    db,
  );
  await schema.dropTable('step_logs').execute();
}
