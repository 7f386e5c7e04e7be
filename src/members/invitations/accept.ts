import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { recordChange } from '../../accounts/audit.ts';
import { emailPattern, emailRules, mostPasswordCharacters } from '../../accounts/change-account.ts';
import { grantsOf } from '../../accounts/grants.ts';
import { hashPassword, verifyPassword } from '../../accounts/passwords.ts';
import { findUser, findUserByEmail, insertUser, type UserRow } from '../../accounts/store.ts';
import type { TeamRow } from '../../accounts/teams.ts';
import type { Throttle } from '../../accounts/throttle.ts';
import { hashToken } from '../../accounts/tokens.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { isUniqueViolation } from '../../platform/database/errors.ts';
import { AppError, invalid, notFound } from '../../platform/errors.ts';
import { networkOf } from '../../platform/network-of.ts';
import { findTeam, insertMember } from '../teams/store.ts';
import { mayInvite, mustHoldAllOf } from './powers.ts';
import { closeInvitation, findInvitation, type InvitationRow } from './store.ts';

type Context = { db: Db; clock: Clock };

/**
 * The invitation that an id and the token of its link stand for, while it is open. A wrong token is answered like an
 * invitation that does not exist. Throws `not_found`, or `conflict` for one that is used, expired or no longer given.
 */
export async function openInvitation(
  { db, clock }: Context,
  link: { id: string; token: string },
): Promise<{ invitation: InvitationRow; team: TeamRow }> {
  const invitation = await findInvitation(db, link.id);
  const given = Buffer.from(hashToken(link.token));
  const isRight = invitation && timingSafeEqual(Buffer.from(invitation.token_hash), given);
  const team = isRight ? await findTeam(db, invitation.team_id) : undefined;
  if (!invitation || !team) throw notFound('An invitation with this link');
  if (invitation.status === 'accepted' || invitation.status === 'rejected')
    throw new AppError('conflict', `This invitation was ${invitation.status} already.`);
  if (invitation.expires_at <= clock.now())
    throw new AppError('conflict', 'This invitation has expired. Ask for a new one.');
  if (!(await isStillGiven(db, invitation, team)))
    throw new AppError(
      'conflict',
      'Whoever made this invitation may no longer do so. Ask somebody else for one.',
    );
  return { invitation, team };
}

/**
 * A link is worth what its maker may give away now: the team may have got a stronger role since, and the maker may have
 * been removed.
 */
async function isStillGiven(db: Db, invitation: InvitationRow, team: TeamRow): Promise<boolean> {
  const maker = await findUser(db, invitation.created_by);
  if (!maker?.active) return false;
  const grants = await grantsOf(db, { userId: maker.id, via: 'session', tokenId: '', tokenName: null });
  if (!mayInvite(team.organization_id, grants)) return false;
  try {
    await mustHoldAllOf(db, team.id, grants);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'forbidden') return false;
    throw error;
  }
}

/** Makes an account a member of the team. Throws `forbidden` when the invitation is for another e-mail address. */
export async function acceptInvitation(
  trx: Trx,
  {
    invitation,
    user,
    ipAddress,
    now,
  }: { invitation: InvitationRow; user: UserRow; ipAddress: string; now: number },
): Promise<void> {
  mustBeFor(invitation, user.email);
  await insertMember(trx, { teamId: invitation.team_id, userId: user.id, now });
  // The link of a public invitation serves everybody it is handed to, until it expires or is deleted.
  const status = invitation.type === 'public' ? 'active' : 'accepted';
  const change = { status, accepted_at: now, accepted_from_ip: ipAddress, updated_at: now } as const;
  if (!(await closeInvitation(trx, invitation.id, change)))
    throw new AppError('conflict', 'This invitation was used already.');
}

function mustBeFor({ email }: InvitationRow, address: string): void {
  if (email !== null && email !== address)
    throw new AppError(
      'forbidden',
      'This invitation is for another e-mail address. Sign in with that account.',
    );
}

/**
 * Accepts an invitation with e-mail and password: into the account of that address if there is one, else into a new
 * one. Throws as `openInvitation`, `unauthenticated` for a wrong password, `invalid` for a new account without a name.
 */
export async function joinWithPassword(
  context: Context & { throttle: Throttle },
  request: FastifyRequest,
  input: {
    invitationId: string;
    token: string;
    name?: string | undefined;
    email: string;
    password: string;
  },
): Promise<UserRow> {
  const { db, clock, throttle } = context;
  const { invitation, team } = await openInvitation(context, { id: input.invitationId, token: input.token });
  const email = input.email.trim().toLowerCase();
  mustBeFor(invitation, email);
  const known = await findUserByEmail(db, email);
  const keys = [`address ${networkOf(request.ip)}`, `account ${email}`];
  throttle.begin(keys);
  if (known) {
    const matches = await verifyPassword(input.password, known.active ? known.password_hash : null);
    if (!matches)
      throw new AppError('unauthenticated', 'There is an account with this e-mail; its password is another.');
  } else mustSuffice({ ...input, email });
  throttle.succeeded(keys);
  const password_hash = known ? null : await hashPassword(input.password);
  const now = clock.now();
  try {
    return await db.transaction().execute(async (trx) => {
      const user =
        known ??
        (await insertUser(trx, { name: input.name!.trim(), email, password_hash: password_hash!, now }));
      await acceptInvitation(trx, { invitation, user, ipAddress: request.ip, now });
      const place = { organizationId: team.organization_id, projectId: null, environmentId: null };
      const object = { type: 'team_invitation', id: invitation.id, name: invitation.email, place } as const;
      const caller = { userId: user.id, via: 'invitation', tokenId: invitation.id, tokenName: null } as const;
      await recordChange(trx, request, { object, caller, now });
      return user;
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('conflict', 'An account with this e-mail was made at this very moment. Try again.');
  }
}

/** What a new account needs; a form may hold anything. */
function mustSuffice(account: { name?: string | undefined; email: string; password: string }): void {
  const { name, email, password } = account;
  const length = name?.trim().length ?? 0;
  const faults = [];
  if (!emailPattern.test(email) || email.length > emailRules.maxLength)
    faults.push({ field: 'email', message: 'must be an e-mail address' });
  if (length < 3 || length > 255) faults.push({ field: 'name', message: 'must have 3 to 255 characters' });
  if (password.length < 8 || password.length > mostPasswordCharacters) {
    const message = `must have 8 to ${mostPasswordCharacters} characters`;
    faults.push({ field: 'password', message });
  }
  if (faults.length > 0) throw invalid(faults);
}
