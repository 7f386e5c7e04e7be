import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import { Type } from 'typebox';
import { grantsIn, principalOf } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { emailRules, mostPasswordCharacters } from '../../accounts/change-account.ts';
import { presentUser, UserMe, usersById } from '../../accounts/present.ts';
import { findUser } from '../../accounts/store.ts';
import type { TeamRow } from '../../accounts/teams.ts';
import type { Throttle } from '../../accounts/throttle.ts';
import { hashToken, newToken } from '../../accounts/tokens.ts';
import { findOrganization, type OrganizationRow } from '../../inventory/places/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { AppError, invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, noContent, OneOf, Uuid, uuidParam } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { Mailer } from '../../platform/mailer.ts';
import { findTeam } from '../teams/store.ts';
import { acceptInvitation, joinWithPassword, openInvitation } from './accept.ts';
import { mustHoldAllOf } from './powers.ts';
import { Invitation, presentInvitation } from './present.ts';
import {
  closeInvitation,
  deleteInvitation,
  findInvitation,
  insertInvitation,
  listInvitations,
  type InvitationRow,
} from './store.ts';

const validMs = 7 * 24 * 3_600_000;
const InvitationCreate = Type.Object(
  {
    type: OneOf(['private', 'public']),
    email: Type.Optional(
      Type.String({
        ...emailRules,
        description: 'Who is invited: required for a private invitation, left out of a public one.',
      }),
    ),
  },
  { title: 'InvitationCreate' },
);
const token = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'The `token` of the link.',
  examples: ['hl_inv_Zk3pW8vRq5NcTy2LdXs7'],
});

const UserCreate = Type.Object(
  {
    name: Type.String({ minLength: 3, maxLength: 255 }),
    email: Type.String({
      ...emailRules,
      description: 'Of a private invitation, the address that it is for.',
    }),
    password: Type.String({ minLength: 8, maxLength: mostPasswordCharacters }),
    invitation_id: Uuid,
    invitation_token: token,
  },
  { title: 'UserCreate' },
);

export function invitationRoutes(
  app: HttpApp,
  context: {
    db: Db;
    clock: Clock;
    throttle: Throttle;
    mailer: Mailer;
    log: FastifyBaseLogger;
    publicUrl: () => string;
  },
): void {
  const { db, clock } = context;
  const existingTeam = async (id: number): Promise<{ team: TeamRow; organization: OrganizationRow }> => {
    const team = await findTeam(db, id);
    const organization = team && (await findOrganization(db, team.organization_id));
    if (!team || !organization) throw notFound('The team');
    return { team, organization };
  };
  const presentAll = async (
    rows: InvitationRow[],
    around: { team: TeamRow; organization: OrganizationRow },
    shownOnce?: { public_accept_url: string; email_sent: boolean | null },
  ) => {
    const users = await usersById(db, [
      ...rows.map((row) => row.created_by),
      around.team.created_by,
      around.organization.owner_user_id,
    ]);
    const now = clock.now();
    return rows.map((row) =>
      presentInvitation(row, { ...around, users, now, ...(shownOnce ? { shownOnce } : {}) }),
    );
  };

  app.route({
    method: 'GET',
    url: '/teams/:team_id/invitations',
    config: { access: { permission: 'team:read', on: 'team', param: 'team_id' } },
    schema: {
      operationId: 'listTeamInvitations',
      summary: 'List the invitations of a team',
      params: idParam('team_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Invitation) },
    },
    handler: async (request, reply) => {
      const around = await existingTeam(request.params.team_id);
      const rows = await onePage(request, reply, (page) => listInvitations(db, around.team.id, page));
      return await presentAll(rows, around);
    },
  });

  app.route({
    method: 'POST',
    url: '/teams/:team_id/invitations',
    config: { access: { permission: 'team:update', on: 'team', param: 'team_id' } },
    schema: {
      operationId: 'addTeamInvitation',
      summary: 'Invite somebody to a team',
      description:
        'The answer holds a link to hand over, this once; it is valid for a week. A private invitation serves once, for its e-mail address, and is sent there when an SMTP address is configured. A public one serves everybody who has the link. You cannot invite to a team that may do more than you, and your invitations end when you may no longer give them.',
      params: idParam('team_id'),
      body: InvitationCreate,
      response: { 201: Invitation },
    },
    handler: async (request, reply) => {
      const around = await existingTeam(request.params.team_id);
      const { team } = around;
      const { body } = request;
      const isPrivate = body.type === 'private';
      if (isPrivate !== (body.email !== undefined)) {
        const message = isPrivate
          ? 'is required for a private invitation'
          : 'must be left out of a public one';
        throw invalid([{ field: 'email', message }]);
      }
      await mustHoldAllOf(db, team.id, grantsIn(request));
      const text = newToken('invitation');
      const now = clock.now();
      const row = await audited(context, request, asObject, (trx) =>
        insertInvitation(trx, {
          id: randomUUID(),
          team_id: team.id,
          type: body.type,
          email: body.email?.toLowerCase() ?? null,
          status: isPrivate ? 'pending' : 'active',
          token_hash: hashToken(text),
          expires_at: now + validMs,
          accepted_at: null,
          accepted_from_ip: null,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        }),
      );
      const public_accept_url = `${context.publicUrl()}/team-invitations/${row.id}/accept?token=${text}`;
      const email_sent = row.email
        ? await context.mailer.send(invitationMail(row.email, around, public_accept_url), context.log)
        : null;
      const [presented] = await presentAll([row], around, { public_accept_url, email_sent });
      return reply.status(201).send(presented!);
    },
  });

  const params = uuidParam('team_invitation_id');

  app.route({
    method: 'DELETE',
    url: '/team-invitations/:team_invitation_id',
    config: {
      access: { permission: 'team:update', on: 'team_invitation', param: 'team_invitation_id' },
    },
    schema: {
      operationId: 'deleteTeamInvitation',
      summary: 'Take an invitation back',
      description: 'Its link no longer works. Whoever has accepted it stays in the team.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await findInvitation(db, request.params.team_invitation_id);
      if (!row) throw notFound('The invitation');
      await audited(context, request, asObject(row), (trx) => deleteInvitation(trx, row.id));
      return reply.status(204).send(null);
    },
  });

  const linkQuery = Type.Object({ token });

  app.route({
    method: 'POST',
    url: '/team-invitations/:team_invitation_id/accept',
    config: { access: 'user', errors: { 409: 'The invitation was used, or has expired.' } },
    schema: {
      operationId: 'acceptTeamInvitation',
      summary: 'Accept an invitation with the account that is signed in',
      description: 'Who has no account yet makes one with `POST /users`.',
      params,
      querystring: linkQuery,
      response: noContent,
    },
    handler: async (request, reply) => {
      const link = { id: request.params.team_invitation_id, token: request.query.token };
      const { invitation, team } = await openInvitation(context, link);
      const user = await findUser(db, principalOf(request).userId);
      if (!user) throw new AppError('unauthenticated', 'This account no longer exists.');
      const place = { organizationId: team.organization_id, projectId: null, environmentId: null };
      await audited(context, request, { ...asObject(invitation), place }, (trx) =>
        acceptInvitation(trx, { invitation, user, ipAddress: request.ip, now: clock.now() }),
      );
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'POST',
    url: '/team-invitations/:team_invitation_id/reject',
    config: { access: 'public', errors: { 409: 'The invitation was used, or has expired.' } },
    schema: {
      operationId: 'rejectTeamInvitation',
      summary: 'Reject an invitation',
      description: 'A public one stays open for the others who have its link.',
      params,
      querystring: linkQuery,
      response: noContent,
    },
    handler: async (request, reply) => {
      const link = { id: request.params.team_invitation_id, token: request.query.token };
      const { invitation } = await openInvitation(context, link);
      if (invitation.type === 'private') {
        await db.transaction().execute((trx) =>
          closeInvitation(trx, invitation.id, {
            status: 'rejected',
            accepted_at: null,
            accepted_from_ip: null,
            updated_at: clock.now(),
          }),
        );
      }
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'POST',
    url: '/users',
    config: {
      access: 'public',
      errors: {
        401: 'There is an account with this e-mail address, and its password is another.',
        403: 'The invitation is for another e-mail address.',
        404: 'There is no invitation with this id and token.',
        409: 'The invitation was used, or has expired.',
      },
    },
    schema: {
      operationId: 'addUser',
      summary: 'Make an account with an invitation, and join its team',
      description: 'Hookline has no open registration: the invitation and the token are those of the link.',
      body: UserCreate,
      response: { 201: UserMe },
    },
    handler: async (request, reply) => {
      const { body } = request;
      const user = await joinWithPassword(context, request, {
        invitationId: body.invitation_id,
        token: body.invitation_token,
        name: body.name,
        email: body.email,
        password: body.password,
      });
      return reply.status(201).send({ ...presentUser(user), social_accounts: [] });
    },
  });
}

function asObject(row: InvitationRow) {
  return { type: 'team_invitation' as const, id: row.id, name: row.email };
}

function invitationMail(
  to: string,
  { team, organization }: { team: TeamRow; organization: OrganizationRow },
  link: string,
) {
  // One line each: a name with a line break must not become a header.
  const oneLine = (text: string) => text.replaceAll(/[\r\n]+/g, ' ');
  const where = `${oneLine(team.name)} (${oneLine(organization.name)})`;
  return {
    to,
    subject: `Invitation to ${where} on Hookline`,
    text: `You are invited to the team ${where} on Hookline.\n\nAccept within a week:\n${link}\n\nIf you do not know what this is about, ignore this e-mail.\n`,
  };
}
