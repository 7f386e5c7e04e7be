import { Type } from 'typebox';
import { grantsIn, placeOf, principalOf, type Access } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { mustHold } from '../../accounts/grants.ts';
import { permissionsOf } from '../../accounts/permissions.ts';
import { usersById } from '../../accounts/present.ts';
import { findRole } from '../../accounts/roles.ts';
import { findUser } from '../../accounts/store.ts';
import { presentTeam, TeamRelation, type TeamRow } from '../../accounts/teams.ts';
import { findOrganization } from '../../inventory/places/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, idRange, noContent, Nullable } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { expireLinksOf } from '../invitations/store.ts';
import {
  Member,
  MemberRelation,
  presentMember,
  presentMemberships,
  presentWholeTeam,
  Team,
  TeamMembership,
} from './present.ts';
import {
  deleteMember,
  deleteTeam,
  findMember,
  findTeam,
  insertTeam,
  linkTeam,
  listLinks,
  listMembers,
  listTeams,
  unlinkTeam,
  updateTeam,
} from './store.ts';

const fields = {
  name: Type.String({ minLength: 1, maxLength: 60 }),
  photo_url: Type.Optional(Nullable(Type.String({ maxLength: 2000, pattern: '^https?://' }))),
};
const TeamCreate = Type.Object(fields, { title: 'TeamCreate' });
const TeamUpdate = Type.Partial(Type.Object(fields), { title: 'TeamUpdate' });
const TeamLink = Type.Object(
  { role_id: Type.Integer({ ...idRange, description: 'The role to give, of the same organization.' }) },
  { title: 'TeamLink' },
);
const taken = 'is the name of another team of this organization';

export function teamRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  const { db, clock } = context;
  const params = idParam('team_id');
  const needs = (permission: 'team:read' | 'team:update' | 'team:delete') => ({
    access: { permission, on: 'team', param: 'team_id' } satisfies Access,
  });
  const existing = async (id: number): Promise<TeamRow> => {
    const row = await findTeam(db, id);
    if (!row) throw notFound('The team');
    return row;
  };
  const present = async (row: TeamRow) =>
    presentWholeTeam(db, row, await findOrganization(db, row.organization_id));

  app.route({
    method: 'GET',
    url: '/organizations/:organization_id/teams',
    config: { access: { permission: 'team:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'listOrganizationTeams',
      summary: 'List the teams of an organization',
      params: idParam('organization_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(TeamRelation) },
    },
    handler: async (request, reply) => {
      const { organizationId } = placeOf(request);
      const rows = await onePage(request, reply, (page) => listTeams(db, organizationId, page));
      const users = await usersById(
        db,
        rows.map((row) => row.created_by),
      );
      return rows.map((row) => presentTeam(row, users));
    },
  });

  app.route({
    method: 'POST',
    url: '/organizations/:organization_id/teams',
    config: { access: { permission: 'team:create', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'addOrganizationTeam',
      summary: 'Create a team',
      description: 'It has no members and no role yet: invite people, and link it to a place with a role.',
      params: idParam('organization_id'),
      body: TeamCreate,
      response: { 201: Team },
    },
    handler: async (request, reply) => {
      const { organizationId } = placeOf(request);
      const now = clock.now();
      const create = audited(context, request, asObject, (trx) =>
        insertTeam(trx, {
          organization_id: organizationId,
          name: request.body.name,
          photo_url: request.body.photo_url ?? null,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        }),
      );
      return reply.status(201).send(await present(await orTaken('name', taken, create)));
    },
  });

  app.route({
    method: 'GET',
    url: '/teams/:team_id',
    config: needs('team:read'),
    schema: { operationId: 'getTeam', summary: 'Read a team', params, response: { 200: Team } },
    handler: async (request) => present(await existing(request.params.team_id)),
  });

  app.route({
    method: 'PUT',
    url: '/teams/:team_id',
    config: needs('team:update'),
    schema: {
      operationId: 'updateTeam',
      summary: 'Change a team; fields that are left out are kept',
      params,
      body: TeamUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.team_id);
      const { name, photo_url } = request.body;
      const change = audited(context, request, { ...asObject(row), name: name ?? row.name }, (trx) =>
        updateTeam(trx, row.id, { name, photo_url, updated_at: clock.now() }),
      );
      await orTaken('name', taken, change);
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/teams/:team_id',
    config: needs('team:delete'),
    schema: {
      operationId: 'deleteTeam',
      summary: 'Delete a team with its invitations and roles',
      description: 'Its members keep their accounts and what they have through other teams.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.team_id);
      await audited(context, request, asObject(row), (trx) => deleteTeam(trx, row.id));
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'GET',
    url: '/teams/:team_id/members',
    config: needs('team:read'),
    schema: {
      operationId: 'listTeamMembers',
      summary: 'List the members of a team',
      params,
      querystring: PageQuery,
      response: { 200: Type.Array(MemberRelation) },
    },
    handler: async (request, reply) => {
      const { team_id } = request.params;
      const rows = await onePage(request, reply, (page) => listMembers(db, team_id, page));
      const users = await usersById(
        db,
        rows.map((row) => row.user_id),
      );
      return rows.map((row) => presentMember(row, users));
    },
  });

  const memberParams = idParam('team_id', 'user_id');

  app.route({
    method: 'GET',
    url: '/teams/:team_id/members/:user_id',
    config: needs('team:read'),
    schema: {
      operationId: 'getTeamMember',
      summary: 'Read a member of a team',
      params: memberParams,
      response: { 200: Member },
    },
    handler: async (request) => {
      const { team_id, user_id } = request.params;
      const team = await existing(team_id);
      const row = await findMember(db, { teamId: team_id, userId: user_id });
      if (!row) throw notFound('The member');
      const users = await usersById(db, [row.user_id, team.created_by]);
      return { ...presentMember(row, users), team: presentTeam(team, users) };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/teams/:team_id/members/:user_id',
    config: needs('team:update'),
    schema: {
      operationId: 'deleteTeamMember',
      summary: 'Remove a member from a team',
      description:
        'What they could do through this team ends at once, with every token they have. So do the open public invitations of the team, and those that they made: make new ones for the others.',
      params: memberParams,
      response: noContent,
    },
    handler: async (request, reply) => {
      const { team_id: teamId, user_id: userId } = request.params;
      const team = await existing(teamId);
      const member = await findUser(db, userId);
      const object = { ...asObject(team), name: `${team.name}: ${member?.email ?? userId}` };
      await audited(context, request, object, async (trx) => {
        if (!(await findMember(trx, { teamId, userId }))) throw notFound('The member');
        await deleteMember(trx, { teamId, userId });
        await expireLinksOf(trx, { teamId, userId, now: clock.now() });
      });
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'GET',
    url: '/teams/:team_id/memberships',
    config: needs('team:read'),
    schema: {
      operationId: 'listTeamMemberships',
      summary: 'List the places where a team has a role',
      params,
      querystring: PageQuery,
      response: { 200: Type.Array(TeamMembership) },
    },
    handler: async (request, reply) => {
      const filter = { teamId: request.params.team_id };
      return await presentMemberships(
        db,
        await onePage(request, reply, (page) => listLinks(db, filter, page)),
      );
    },
  });

  for (const { on, label } of places) {
    const param = `${on}_id` as const;
    const access = (permission: 'team:read' | 'team:update') => ({
      access: { permission, on, param } satisfies Access,
    });
    const linkParams = idParam(param, 'team_id');
    /** A team of another organization is none here. */
    const teamHere = async (request: Parameters<typeof placeOf>[0], teamId: number): Promise<TeamRow> => {
      const team = await findTeam(db, teamId);
      if (team?.organization_id !== placeOf(request).organizationId) throw notFound('The team');
      return team;
    };

    app.route({
      method: 'GET',
      url: `/${on}s/:${param}/team-memberships`,
      config: access('team:read'),
      schema: {
        operationId: `list${label}TeamMemberships`,
        summary: `List the teams that have a role on this ${on} itself`,
        params: idParam(param),
        querystring: PageQuery,
        response: { 200: Type.Array(TeamMembership) },
      },
      handler: async (request, reply) => {
        const filter = { place: placeOf(request) };
        const rows = await onePage(request, reply, (page) => listLinks(db, filter, page));
        return await presentMemberships(db, rows);
      },
    });

    app.route({
      method: 'POST',
      url: `/${on}s/:${param}/teams/:team_id/link`,
      config: access('team:update'),
      schema: {
        operationId: `linkTeamTo${label}`,
        summary: `Give a team a role on this ${on} and all that it holds`,
        description:
          'A role that the team had there is replaced. You cannot give a permission that you do not have there.',
        params: linkParams,
        body: TeamLink,
        response: noContent,
      },
      handler: async (request, reply) => {
        const place = placeOf(request);
        const team = await teamHere(request, request.params.team_id);
        const role = await findRole(db, request.body.role_id);
        if (role?.organization_id !== place.organizationId) {
          throw invalid([{ field: 'role_id', message: 'names no role of this organization' }]);
        }
        mustHold(grantsIn(request), place, permissionsOf(role));
        await audited(context, request, asObject(team), (trx) =>
          linkTeam(trx, { teamId: team.id, place, roleId: role.id, now: clock.now() }),
        );
        return reply.status(204).send(null);
      },
    });

    app.route({
      method: 'DELETE',
      url: `/${on}s/:${param}/teams/:team_id/unlink`,
      config: access('team:update'),
      schema: {
        operationId: `unlinkTeamFrom${label}`,
        summary: `Take the role of a team on this ${on} away`,
        params: linkParams,
        response: noContent,
      },
      handler: async (request, reply) => {
        const place = placeOf(request);
        const team = await teamHere(request, request.params.team_id);
        await audited(context, request, asObject(team), async (trx) => {
          if (!(await unlinkTeam(trx, { teamId: team.id, place })))
            throw notFound('The role of the team there');
        });
        return reply.status(204).send(null);
      },
    });
  }
}

/** Where a team can have a role. */
const places = [
  { on: 'organization', label: 'Organization' },
  { on: 'project', label: 'Project' },
  { on: 'environment', label: 'Environment' },
] as const;

function asObject({ id, name }: TeamRow) {
  return { type: 'team' as const, id, name };
}
