import type { Selectable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

export type InvitationRow = Selectable<Database['team_invitations']>;

export async function insertInvitation(trx: Trx, invitation: InvitationRow): Promise<InvitationRow> {
  return await trx.insertInto('team_invitations').values(invitation).returningAll().executeTakeFirstOrThrow();
}

export async function findInvitation(db: Db | Trx, id: string): Promise<InvitationRow | undefined> {
  return await db
    .selectFrom('team_invitations')
    .selectAll()
    .where('id', '=', id.toLowerCase())
    .executeTakeFirst();
}

export async function listInvitations(db: Db, teamId: number, page: Page): Promise<Listing<InvitationRow>> {
  const all = db
    .selectFrom('team_invitations')
    .where('team_id', '=', teamId)
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

/** False when the invitation is no longer open: two who use it at once do not both come in. */
export async function closeInvitation(
  trx: Trx,
  id: string,
  change: Pick<InvitationRow, 'status' | 'accepted_at' | 'accepted_from_ip' | 'updated_at'>,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('team_invitations')
    .set(change)
    .where('id', '=', id)
    .where('status', 'in', ['pending', 'active'])
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function deleteInvitation(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('team_invitations').where('id', '=', id).execute();
}

/**
 * Ends the open links by which somebody who is removed from a team could come back: its public ones, those that they made
 * themselves and those for their own e-mail address.
 */
export async function expireLinksOf(
  trx: Trx,
  member: { teamId: number; userId: number; now: number },
): Promise<void> {
  await trx
    .updateTable('team_invitations')
    .set({ expires_at: member.now, updated_at: member.now })
    .where('team_id', '=', member.teamId)
    .where('status', 'in', ['pending', 'active'])
    .where('expires_at', '>', member.now)
    .where((eb) =>
      eb.or([
        eb('type', '=', 'public'),
        eb('created_by', '=', member.userId),
        eb('email', 'in', eb.selectFrom('users').select('users.email').where('users.id', '=', member.userId)),
      ]),
    )
    .execute();
}
