import { sql } from 'kysely';
import type { Db } from '../connect.ts';
import type { MigrationContext } from '../migrate.ts';

/**
 * Whoever watches an environment reads what is new of a few tables by its id. Of the streams of actions that is a change of a
 * status now and then among much output; of deliveries that end without an attempt it was kept nowhere.
 */
export async function up(db: Db, { dialect }: MigrationContext): Promise<void> {
  await sql`create index action_stream_changes on action_stream (id) where type = 'action'`.execute(db);
  await db.schema
    .createTable('delivery_endings')
    .addColumn('id', dialect === 'postgres' ? 'bigserial' : 'integer', (column) =>
      dialect === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
    )
    .addColumn('delivery_id', 'bigint', (column) =>
      column.notNull().references('deliveries.id').onDelete('cascade'),
    )
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await sql`create index delivery_endings_delivery on delivery_endings (delivery_id)`.execute(db);
}
