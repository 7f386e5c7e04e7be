import { sql, type CreateTableBuilder } from 'kysely';
import type { Db } from '../connect.ts';
import type { MigrationContext } from '../migrate.ts';

/** Breakers, disabled hooks, earlier templates, recoveries, the timing of attempts; work is found hook by hook. */
export async function up(db: Db, { dialect }: MigrationContext): Promise<void> {
  const table = (name: string): CreateTableBuilder<string, 'id'> =>
    db.schema
      .createTable(name)
      .addColumn('id', dialect === 'postgres' ? 'bigserial' : 'integer', (column) =>
        dialect === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
      );

  await db.schema.alterTable('hooks').addColumn('preset', 'text').execute();
  await db.schema.alterTable('hooks').addColumn('disabled_at', 'bigint').execute();
  await db.schema.alterTable('hooks').addColumn('disabled_reason', 'text').execute();
  await db.schema
    .alterTable('hooks')
    .addColumn('version', 'integer', (column) => column.notNull().defaultTo(1))
    .execute();

  await table('hook_versions')
    .addColumn('hook_id', 'bigint', (column) => column.notNull().references('hooks.id').onDelete('cascade'))
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('definition_sealed', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('hook_versions_version', ['hook_id', 'version'])
    .execute();

  await db.schema
    .createTable('hook_health')
    .addColumn('hook_id', 'bigint', (column) =>
      column.primaryKey().references('hooks.id').onDelete('cascade'),
    )
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('failures_in_a_row', 'integer', (column) => column.notNull())
    .addColumn('failed_attempts', 'integer', (column) => column.notNull())
    .addColumn('failing_since', 'bigint')
    .addColumn('openings', 'integer', (column) => column.notNull())
    .addColumn('blocked_until', 'bigint')
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();

  await table('recoveries')
    .addColumn('uuid', 'text', (column) => column.notNull().unique())
    .addColumn('hook_id', 'bigint', (column) => column.notNull().references('hooks.id').onDelete('cascade'))
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('include_overtaken', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('total', 'bigint', (column) => column.notNull())
    .addColumn('left_out', 'bigint', (column) => column.notNull())
    .addColumn('last_delivery_id', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();

  await db.schema
    .alterTable('deliveries')
    .addColumn('attempts_before', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('deliveries')
    .addColumn('unrendered', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable('deliveries').addColumn('content_version', 'integer').execute();
  await db.schema.alterTable('deliveries').addColumn('recovery_id', 'bigint').execute();
  await db.schema.alterTable('delivery_attempts').addColumn('hook_version', 'integer').execute();
  await db.schema.alterTable('delivery_attempts').addColumn('timing', 'text').execute();
  await db.schema
    .alterTable('delivery_attempts')
    .addColumn('response_truncated', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();

  // What waits is found hook by hook, so that the backlog of one is never in the way of another.
  await sql`drop index deliveries_due`.execute(db);
  await sql`create index deliveries_queue on deliveries (hook_id, next_attempt_at, id, action_id) where status = 'pending'`.execute(
    db,
  );
  await sql`create index deliveries_sending on deliveries (claimed_by) where status = 'sending'`.execute(db);
  await sql`create index deliveries_failed on deliveries (hook_id, id) where status in ('failed', 'rejected') or unrendered = 1`.execute(
    db,
  );
  await sql`create index deliveries_recovery on deliveries (recovery_id, status) where recovery_id is not null`.execute(
    db,
  );
  await sql`create index recoveries_running on recoveries (id) where status = 'running'`.execute(db);
  await db.schema.createIndex('recoveries_hook').on('recoveries').columns(['hook_id', 'id']).execute();
}
