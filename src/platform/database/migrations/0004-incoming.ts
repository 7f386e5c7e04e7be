import type { Db } from '../connect.ts';

/** The query of a request, what anyone's refused requests come to, and hooks registered at a provider. */
export async function up(db: Db): Promise<void> {
  await db.schema.alterTable('hook_requests').addColumn('request_query', 'text').execute();

  await db.schema
    .createTable('hook_refusals')
    .addColumn('hook_id', 'bigint', (column) =>
      column.primaryKey().references('hooks.id').onDelete('cascade'),
    )
    .addColumn('count', 'bigint', (column) => column.notNull())
    .addColumn('last_at', 'bigint', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('hook_installations')
    .addColumn('hook_id', 'bigint', (column) =>
      column.primaryKey().references('hooks.id').onDelete('cascade'),
    )
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('api_url', 'text', (column) => column.notNull())
    .addColumn('repository', 'text', (column) => column.notNull())
    .addColumn('provider_hook_id', 'text', (column) => column.notNull())
    .addColumn('events', 'text', (column) => column.notNull())
    .addColumn('installed_at', 'bigint', (column) => column.notNull())
    .execute();
}
