import { sql, type CreateTableBuilder } from 'kysely';
import type { Db } from '../connect.ts';
import type { MigrationContext } from '../migrate.ts';

/** Roles, teams, invitations, tokens of projects, the audit; secrets in rotation and replays. */
export async function up(db: Db, { dialect }: MigrationContext): Promise<void> {
  const table = (name: string): CreateTableBuilder<string, 'id'> =>
    db.schema
      .createTable(name)
      .addColumn('id', dialect === 'postgres' ? 'bigserial' : 'integer', (column) =>
        dialect === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
      );
  const named = (name: string): CreateTableBuilder<string, 'id'> =>
    db.schema.createTable(name).addColumn('id', 'text', (column) => column.primaryKey());
  const timestamps = <T extends string, C extends string>(builder: CreateTableBuilder<T, C>) =>
    builder
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull());
  const organization = <T extends string, C extends string>(builder: CreateTableBuilder<T, C>) =>
    builder.addColumn('organization_id', 'bigint', (column) =>
      column.notNull().references('organizations.id').onDelete('cascade'),
    );

  await timestamps(
    organization(table('roles'))
      .addColumn('key', 'text')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('description', 'text', (column) => column.notNull())
      .addColumn('permissions', 'text')
      .addColumn('created_by', 'bigint')
      .addUniqueConstraint('roles_name', ['organization_id', 'name']),
  ).execute();
  for (const [key, description] of Object.entries(predefinedRoles)) {
    await sql`insert into roles (organization_id, key, name, description, permissions, created_by, created_at, updated_at)
      select id, ${key}, ${key}, ${description}, null, null, created_at, created_at from organizations order by id`.execute(
      db,
    );
  }

  await timestamps(
    organization(table('teams'))
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('photo_url', 'text')
      .addColumn('created_by', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('teams_name', ['organization_id', 'name']),
  ).execute();
  await timestamps(
    db.schema
      .createTable('team_members')
      .addColumn('team_id', 'bigint', (column) => column.notNull().references('teams.id').onDelete('cascade'))
      .addColumn('user_id', 'bigint', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addPrimaryKeyConstraint('team_members_pk', ['team_id', 'user_id']),
  ).execute();
  await db.schema.createIndex('team_members_user').on('team_members').column('user_id').execute();
  await timestamps(
    organization(table('team_links'))
      .addColumn('team_id', 'bigint', (column) => column.notNull().references('teams.id').onDelete('cascade'))
      .addColumn('project_id', 'bigint', (column) => column.references('projects.id').onDelete('cascade'))
      .addColumn('environment_id', 'bigint', (column) =>
        column.references('environments.id').onDelete('cascade'),
      )
      .addColumn('role_id', 'bigint', (column) => column.notNull().references('roles.id')),
  ).execute();
  // One role per team and place; null is distinct from null in a unique key, so it is written as 0.
  await sql`create unique index team_links_place on team_links
    (team_id, coalesce(project_id, 0), coalesce(environment_id, 0))`.execute(db);
  await db.schema.createIndex('team_links_role').on('team_links').column('role_id').execute();
  await timestamps(
    named('team_invitations')
      .addColumn('team_id', 'bigint', (column) => column.notNull().references('teams.id').onDelete('cascade'))
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('email', 'text')
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('token_hash', 'text', (column) => column.notNull().unique())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('accepted_at', 'bigint')
      .addColumn('accepted_from_ip', 'text')
      .addColumn('created_by', 'bigint', (column) => column.notNull()),
  ).execute();
  await db.schema.createIndex('team_invitations_team').on('team_invitations').column('team_id').execute();
  await db.schema.createIndex('team_invitations_email').on('team_invitations').column('email').execute();

  await timestamps(
    named('project_api_tokens')
      .addColumn('project_id', 'bigint', (column) =>
        column.notNull().references('projects.id').onDelete('cascade'),
      )
      .addColumn('role_id', 'bigint', (column) => column.notNull().references('roles.id'))
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('token_hash', 'text', (column) => column.notNull().unique())
      .addColumn('last_used_at', 'bigint')
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint')
      .addColumn('created_by', 'bigint', (column) => column.notNull()),
  ).execute();
  await db.schema
    .createIndex('project_api_tokens_project')
    .on('project_api_tokens')
    .column('project_id')
    .execute();
  await db.schema.createIndex('project_api_tokens_role').on('project_api_tokens').column('role_id').execute();

  // A record: no foreign keys, so that it outlives what it tells of.
  await table('audit_events')
    .addColumn('organization_id', 'bigint', (column) => column.notNull())
    .addColumn('project_id', 'bigint')
    .addColumn('environment_id', 'bigint')
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('object_type', 'text', (column) => column.notNull())
    .addColumn('object_id', 'text', (column) => column.notNull())
    .addColumn('object_name', 'text')
    .addColumn('fields', 'text', (column) => column.notNull())
    .addColumn('user_id', 'bigint', (column) => column.notNull())
    .addColumn('user_name', 'text', (column) => column.notNull())
    .addColumn('token_type', 'text', (column) => column.notNull())
    .addColumn('token_id', 'text', (column) => column.notNull())
    .addColumn('token_name', 'text')
    .addColumn('ip_address', 'text', (column) => column.notNull())
    .addColumn('user_agent', 'text')
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('audit_events_organization')
    .on('audit_events')
    .columns(['organization_id', 'id'])
    .execute();
  await db.schema
    .createIndex('audit_events_object')
    .on('audit_events')
    .columns(['organization_id', 'object_type', 'object_id', 'id'])
    .execute();

  await db.schema.alterTable('users').addColumn('language', 'text').execute();
  await db.schema
    .alterTable('servers')
    .addColumn('status', 'text', (column) => column.notNull().defaultTo('running'))
    .execute();
  await db.schema
    .alterTable('pipelines')
    .addColumn('is_auto_generated', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable('hooks').addColumn('previous_secret_sealed', 'text').execute();
  await db.schema.alterTable('hooks').addColumn('previous_secret_expires_at', 'bigint').execute();
  await db.schema.alterTable('hook_requests').addColumn('retry_of', 'text').execute();
  await db.schema.alterTable('steps').addColumn('unlinked_at', 'bigint').execute();
  await db.schema
    .createIndex('action_targets_resource')
    .on('action_targets')
    .columns(['resource_type', 'resource_id'])
    .execute();
}

/** As they were called when this migration was written. */
const predefinedRoles = {
  owner: 'May do everything, deleting the organization included.',
  admin: 'May do everything but delete the organization.',
  developer:
    'May read everything but tokens and the audit, and change applications, pipelines, hooks and variables.',
  viewer: 'May read everything but tokens and the audit.',
};
