import { randomBytes } from 'node:crypto';
import { insertMembership, insertPredefinedRoles } from '../accounts/roles.ts';
import { insertUser } from '../accounts/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';

/** The password is set when it was generated, so that the program can print it this once. */
export type FirstStart = { email: string; generatedPassword: string | null };

/**
 * On an empty database, creates the first administrator with an organization, a project and an environment; else does
 * nothing and returns null. Nodes that start together on one database create it once.
 */
export async function firstStart(
  context: { db: Db; clock: Clock; hashPassword: (password: string) => Promise<string> },
  admin: { email: string; password: string | null },
): Promise<FirstStart | null> {
  const { db, clock, hashPassword } = context;
  const taken = await db.selectFrom('users').select('id').limit(1).executeTakeFirst();
  if (taken) return null;
  const password = admin.password ?? randomBytes(15).toString('base64url');
  const password_hash = await hashPassword(password);
  const now = clock.now();
  const created_at = now;
  const updated_at = now;
  return await db.transaction().execute(async (trx) => {
    // The unique key of `meta` lets one node through; another one waits for it here and then finds the row.
    const first = await trx
      .insertInto('meta')
      .values({ key: 'first_start', value: String(now) })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .returning('key')
      .executeTakeFirst();
    if (!first) return null;
    const user = await insertUser(trx, { name: 'Administrator', email: admin.email, password_hash, now });
    const organization = await trx
      .insertInto('organizations')
      .values({
        name: 'Default organization',
        url_slug: 'default',
        owner_user_id: user.id,
        created_at,
        updated_at,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await insertPredefinedRoles(trx, organization.id, now);
    await insertMembership(trx, { organizationId: organization.id, userId: user.id, role: 'owner', now });
    const project = await trx
      .insertInto('projects')
      .values({
        organization_id: organization.id,
        name: 'Default project',
        created_by: user.id,
        created_at,
        updated_at,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await trx
      .insertInto('environments')
      .values({
        project_id: project.id,
        type: 'production',
        name: 'production',
        description: null,
        created_by: user.id,
        created_at,
        updated_at,
      })
      .execute();
    return { email: user.email, generatedPassword: admin.password === null ? password : null };
  });
}
