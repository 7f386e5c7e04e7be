import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createApiClient, login } from './support/api-client.ts';
import type { ApiAnswer, ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { untilAction } from './support/fixtures.ts';
import {
  buildWorld,
  createProjectToken,
  createRole,
  createTeam,
  fresh,
  inDays,
  invite,
  join,
  personWithRole,
} from './support/permission-world.ts';
import type { Link, TeamMember, World } from './support/permission-world.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

type Refusal = { message: string; errors: { field: string; message: string }[] | null };

/** May look after people, and do nothing else. */
const peopleManager = [
  'organization:read',
  'project:read',
  ...['team', 'role', 'token'].flatMap((resource) =>
    ['read', 'create', 'update', 'delete'].map((verb) => `${resource}:${verb}`),
  ),
];

for (const kind of databaseKinds) {
  describe(`getting more than one was given on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let world: World;
    let manager: TeamMember;
    let managerRole: number;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database, env: { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' } });
      world = await buildWorld(server, database);
      managerRole = await createRole(world, peopleManager);
      manager = await personWithRole(world, `/organizations/${world.organizationId}`, managerRole);
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
    });

    const anonymous = () => createApiClient(server.url);
    const ask = (api: ApiClient, method: string, path: string, body?: unknown): Promise<ApiAnswer<Refusal>> =>
      api.request<Refusal>(method, path, body);
    const status = async (...call: Parameters<typeof ask>) => (await ask(...call)).status;

    test('nobody gives away a permission that they do not have: roles, links, invitations, tokens', async () => {
      const { organizationId, projectId, environmentId, roleIds } = world;
      const organization = `/organizations/${organizationId}`;
      const strong = await createProjectToken(world.api, projectId, roleIds['admin']!);
      const calls: [string, string, unknown][] = [
        ['POST', `${organization}/roles`, { name: 'x', permissions: ['hook:read', 'hook:delete'] }],
        ['PUT', `/roles/${managerRole}`, { permissions: [...peopleManager, 'audit:read'] }],
        ...[organization, `/projects/${projectId}`, `/environments/${environmentId}`].flatMap((place) =>
          ['owner', 'admin', 'developer', 'viewer'].map((role): [string, string, unknown] => [
            'POST',
            `${place}/teams/${manager.teamId}/link`,
            { role_id: roleIds[role] },
          ]),
        ),
        ['POST', `/teams/${world.admin.teamId}/invitations`, { type: 'public' }],
        ['POST', `/teams/${world.admin.teamId}/invitations`, { type: 'private', email: manager.email }],
        [
          'POST',
          `/projects/${projectId}/tokens`,
          { name: 'x', role_id: roleIds['viewer'], expires_at: inDays(1) },
        ],
        ['POST', `/projects/${projectId}/tokens/${strong.id}/rotate`, { expires_at: inDays(1) }],
      ];
      for (const [method, path, body] of calls) {
        const answer = await ask(manager.api, method, path, body);
        assert.equal(answer.status, 403, `${method} ${path}`);
        assert.match(answer.body.message, /do not have/);
      }
      assert.equal(
        await status(createApiClient(server.url, strong.token), 'GET', `/projects/${projectId}`),
        200,
      );
      assert.equal(
        await status(manager.api, 'POST', `${organization}/teams/${manager.teamId}/link`, {
          role_id: managerRole,
        }),
        204,
      );
    });

    test('what is held in one place is not given away in another', async () => {
      const member = await personWithRole(
        world,
        `/environments/${world.environmentId}`,
        world.roleIds['admin']!,
      );
      const give = (place: string) =>
        status(member.api, 'POST', `${place}/teams/${member.teamId}/link`, {
          role_id: world.roleIds['admin'],
        });
      assert.equal(await give(`/projects/${world.projectId}`), 403);
      assert.equal(await give(`/organizations/${world.organizationId}`), 403);
      assert.equal(await give(`/projects/${world.otherProjectId}`), 404);
      assert.equal(await give(`/environments/${world.environmentId}`), 204);
      const token = { name: 'x', role_id: world.roleIds['viewer'], expires_at: inDays(1) };
      assert.equal(await status(member.api, 'POST', `/projects/${world.projectId}/tokens`, token), 403);
      const role = { name: 'x', permissions: ['project:read'] };
      assert.equal(
        await status(member.api, 'POST', `/organizations/${world.organizationId}/roles`, role),
        403,
      );
    });

    test('a body cannot make more of a role, an account or a token than its fields say', async () => {
      const { organizationId, strangers, roleIds } = world;
      const body = {
        description: 'x',
        key: 'owner',
        organization_id: strangers.organizationId,
        id: roleIds['owner'],
      };
      assert.equal(await status(manager.api, 'PUT', `/roles/${managerRole}`, body), 204);
      const read = await world.api.get<{ id: number; permissions: unknown }>(`/roles/${managerRole}`);
      assert.equal(read.id, managerRole);
      assert.equal(await status(manager.api, 'GET', `/organizations/${organizationId}/audit-events`), 403);
      const account = { language: 'pt', active: false, password_hash: 'x', id: world.owner.id };
      assert.equal(await status(manager.api, 'PUT', `/users/${manager.id}`, account), 204);
      assert.equal(await status(manager.api, 'GET', '/users/me'), 200);
      const odd = '{"name":"x","permissions":["project:read"],"__proto__":{"key":"owner"}}';
      assert.equal(
        (
          await manager.api.request('POST', `/organizations/${organizationId}/roles`, odd, {
            'content-type': 'application/json',
          })
        ).status,
        400,
      );
      for (const permissions of [['__proto__'], ['constructor'], ['toString'], [], ['hook:fly']])
        assert.equal(await status(world.api, 'PUT', `/roles/${managerRole}`, { permissions }), 422);
    });

    test('a role, a team, a token, a project of others cannot be named in a body or address', async () => {
      const { organizationId, projectId, otherProjectId, strangers, roleIds, stranger } = world;
      const theirs = await stranger.api.get<{ id: number }[]>(
        `/organizations/${strangers.organizationId}/roles`,
      );
      const role_id = theirs[0]!.id;
      const teamId = await createTeam(world);
      const unknown = await ask(world.api, 'POST', `/organizations/${organizationId}/teams/${teamId}/link`, {
        role_id: 987_654,
      });
      const foreign = await ask(world.api, 'POST', `/organizations/${organizationId}/teams/${teamId}/link`, {
        role_id,
      });
      assert.equal(foreign.status, 422);
      assert.deepEqual(foreign.body, unknown.body);
      const token = { name: 'x', expires_at: inDays(1) };
      assert.equal(
        await status(world.api, 'POST', `/projects/${projectId}/tokens`, { ...token, role_id }),
        422,
      );
      const own = `/organizations/${strangers.organizationId}/teams/${teamId}`;
      assert.equal(await status(stranger.api, 'POST', `${own}/link`, { role_id }), 404);
      assert.equal(await status(stranger.api, 'DELETE', `${own}/unlink`), 404);
      assert.equal(
        await status(stranger.api, 'POST', '/projects', { name: 'x', organization_id: organizationId }),
        422,
      );
      const ours = await createProjectToken(world.api, projectId, roleIds['viewer']!);
      const moved = `/projects/${otherProjectId}/tokens/${ours.id}`;
      assert.equal(await status(world.api, 'GET', moved), 404);
      assert.equal(await status(world.otherProject, 'DELETE', `${moved}/revoke`), 404);
      assert.equal(await status(createApiClient(server.url, ours.token), 'GET', '/projects'), 200);
    });

    test('an incoming hook of an application needs that one may read the application', async () => {
      const place = `/environments/${world.environmentId}`;
      const { api } = await personWithRole(
        world,
        place,
        await createRole(world, ['hook:read', 'hook:create']),
      );
      const body = {
        name: 'h',
        resource_type: 'application',
        resource_id: world.ids['application_id'],
        action_type: 'deploy',
      };
      for (const path of [`/pipelines/${world.ids['pipeline_id']}/hooks/incoming`, '/hooks/incoming']) {
        const answer = await ask(api, 'POST', path, path.startsWith('/hooks') ? body : { name: 'h' });
        assert.equal(answer.status, 403, path);
        assert.match(answer.body.message, /application:read/);
      }
      const ofServer = {
        ...body,
        resource_type: 'server',
        resource_id: world.ids['server_id'],
        action_type: 'configure',
      };
      assert.equal(await status(api, 'POST', '/hooks/incoming', ofServer), 201);
    });

    test('whoever may not stop a server does not do it by its pipeline, a repeat or a hook', async () => {
      const { api, developer, ids } = world;
      const server_id = ids['server_id'];
      const pipelines = await api.get<{ id: number; operation: string }[]>(`/pipelines/server/${server_id}`);
      const stop = pipelines.find(({ operation }) => operation === 'stop') ?? assert.fail('no pipeline');
      const action = await api.post<{ id: number }>(`/pipelines/${stop.id}/actions`, {});
      await untilAction(world, action.id);
      const hook = { name: 'h', resource_type: 'server', resource_id: server_id, action_type: 'stop' };
      for (const [path, body] of [
        [`/servers/${server_id}/stop`, undefined],
        [`/pipelines/${stop.id}/actions`, {}],
        [`/actions/${action.id}/retry`, undefined],
        [`/pipelines/${stop.id}/hooks/incoming`, { name: 'h' }],
        ['/hooks/incoming', hook],
      ] as const) {
        const answer = await ask(developer.api, 'POST', path, body);
        assert.equal(answer.status, 403, path);
        assert.match(answer.body.message, /server:stop/);
      }
      assert.equal(await status(api, 'POST', `/actions/${action.id}/retry`), 201);

      // Nor by a hook that somebody else has made: whoever knows its secret, or removes it, can run it.
      const made = await api.post<{ id: string }>(`/pipelines/${stop.id}/hooks/incoming`, {
        name: 'h',
        requires_secret: false,
      });
      const sent = await api.post<{ hook_request_id: string }>(`/hooks/${made.id}/trigger`, {});
      for (const [method, path, body] of [
        ['PUT', `/hooks/incoming/${made.id}`, { requires_secret: false }],
        ['POST', `/hooks/incoming/${made.id}/rotate-secret`, {}],
        ['POST', `/hook-requests/${sent.hook_request_id}/replay`, undefined],
      ] as const) {
        const answer = await ask(developer.api, method, path, body);
        assert.equal(answer.status, 403, path);
        assert.match(answer.body.message, /server:stop/);
      }
      const replay = `/hook-requests/${sent.hook_request_id}/replay`;
      assert.equal(await status(api, 'POST', replay), 202);
    });

    test('who looks after an environment alone does not found an organization', async () => {
      const { environmentId, roleIds } = world;
      const keeper = await personWithRole(world, `/environments/${environmentId}`, roleIds['admin']!);
      assert.equal(await status(keeper.api, 'POST', '/organizations', { name: 'x' }), 403);
    });

    test('an address is read in one way: odd ids, kinds, slugs and NUL reach nothing', async () => {
      const { api, ids } = world;
      const id = ids['application_id'];
      for (const odd of [
        '0',
        '-1',
        `${id}e0`,
        `0${id}`,
        `${id}.0`,
        `+${id}`,
        `${id},2`,
        `0x${id}`,
        '99999999999999999999',
        '__proto__',
        'default',
      ])
        assert.equal(await status(api, 'GET', `/applications/${odd}`), 404, odd);
      for (const odd of ['DEFAULT', '-', '__proto__', 'constructor', `${ids['organization_id']}x`])
        assert.equal(await status(api, 'GET', `/organizations/${odd}`), 404, odd);
      for (const list of ['variables', 'pipelines', 'actions', 'actions/targets', 'resource-links']) {
        for (const odd of ['organization', 'project', 'team', 'role', 'credential', 'variable']) {
          const named = ids[`${odd}_id`];
          // A credential has an address, so there are lists of its actions, which are empty.
          const expected = odd === 'credential' && list.startsWith('actions') ? 200 : 422;
          assert.equal(await status(api, 'GET', `/${list}/${odd}/${named}`), expected, `${list} ${odd}`);
          assert.equal(await status(world.stranger.api, 'GET', `/${list}/${odd}/${named}`), 404);
        }
        for (const odd of ['__proto__', 'constructor', 'toString', 'hook'])
          assert.ok([404, 422].includes(await status(api, 'GET', `/${list}/${odd}/1`)), `${list} ${odd}`);
      }
      const nul = '%00'.repeat(36);
      for (const path of [
        `/users/personal-access-tokens/${nul}`,
        `/projects/${ids['project_id']}/tokens/${nul}`,
        `/hooks/incoming/${nul}`,
        `/organizations/${ids['organization_id']}/audit-events?object_type=a%00`,
        `/environments/${ids['environment_id']}/applications?filter[name]=%00`,
      ])
        assert.equal(await status(api, 'GET', path), 400, path);
      assert.equal(await status(anonymous(), 'POST', `/team-invitations/${nul}/reject?token=a`), 400);
    });

    test('with an invitation nobody gets into an account that is not theirs', async () => {
      const teamId = await createTeam(world);
      const link = await invite(world.api, teamId);
      const joining = (email: string, password: string, { id, token }: Link = link) =>
        ask(anonymous(), 'POST', '/users', {
          name: 'New',
          email,
          password,
          invitation_id: id,
          invitation_token: token,
        });
      const { email } = world.viewer;
      assert.equal((await joining(email, 'another password')).status, 401);
      assert.equal((await joining(` ${email.toUpperCase()}`.trim(), 'another password')).status, 401);
      await login(server.url, email, world.viewer.password);
      const forOther = await invite(world.api, teamId, 'invited@example.com');
      assert.equal((await joining('thief@example.com', 'long enough', forOther)).status, 403);
      const accept = `/team-invitations/${forOther.id}/accept?token=${forOther.token}`;
      assert.equal(await status(world.stranger.api, 'POST', accept), 403);
      assert.equal(
        (await joining('invited@example.com', 'long enough', { ...forOther, token: link.token })).status,
        404,
      );
      assert.equal(
        (await joining('invited@example.com', 'long enough', { ...link, token: forOther.token })).status,
        404,
      );
      assert.equal(await status(world.otherProject, 'POST', accept), 403);
      const taken = { email, current_password: world.stranger.password };
      assert.equal(await status(world.stranger.api, 'PUT', `/users/${world.stranger.id}`, taken), 422);
    });

    test('an invitation is worth what its maker may give away when it is accepted', async () => {
      const place = `/organizations/${world.organizationId}`;
      const teamId = await createTeam(world);
      const link = await invite(manager.api, teamId);
      const role_id = world.roleIds['admin'];
      await world.api.post(`${place}/teams/${teamId}/link`, { role_id });
      const accept = `/team-invitations/${link.id}/accept?token=${link.token}`;
      const answer = await ask(manager.api, 'POST', accept);
      assert.equal(answer.status, 409);
      assert.match(answer.body.message, /no longer/);
      const page = await fetch(`${server.url}${accept}`);
      assert.equal(page.status, 409);
      await page.body?.cancel();
      await world.api.delete(`${place}/teams/${teamId}/unlink`);
      assert.equal(await status(world.stranger.api, 'POST', accept), 204);

      const leaver = await personWithRole(world, place, managerRole);
      const kept = await invite(leaver.api, teamId, 'friend@example.com');
      await world.api.delete(`/teams/${leaver.teamId}/members/${leaver.id}`);
      const joining = await ask(anonymous(), 'POST', '/users', {
        name: 'Friend',
        email: 'friend@example.com',
        password: 'long enough',
        invitation_id: kept.id,
        invitation_token: kept.token,
      });
      assert.equal(joining.status, 409);
    });

    test('the page of an invitation takes its own form alone, and makes no account without an address', async () => {
      const link = await invite(world.api, await createTeam(world));
      const page = `${server.url}/team-invitations/${link.id}/accept?token=${link.token}`;
      const post = async (type: string, body: string) =>
        (await fetch(page, { method: 'POST', headers: { 'content-type': type }, body })).status;
      const form = 'application/x-www-form-urlencoded';
      assert.equal(await post('application/json', '{"email":5,"password":[]}'), 415);
      assert.equal(await post('text/plain', 'email=a@example.com'), 415);
      assert.equal(await post(form, 'email=nobody&password=long%20enough&name=New'), 422);
      assert.equal(await post(form, 'email=&password=long%20enough&name=New'), 422);
      assert.equal(await post(form, 'email=n@example.com&password=long%20enough&name=a%00b'), 400);
      assert.equal(await post(form, `email=n@example.com&name=New&password=${'x'.repeat(2000)}`), 422);
      assert.equal(await post(form, 'x'.repeat(20_000)), 413);
      assert.equal(await post(form, 'email=n@example.com&password=long%20enough&name=New'), 200);
    });

    test('what happens at the same instant leaves nothing that was not allowed, and is no fault of ours', async () => {
      const { api, organizationId, projectId, roleIds, url } = world;
      const teamId = await createTeam(world);
      const link = await invite(api, teamId, 'twice@example.com');
      const joined = await Promise.all(
        [1, 2, 3].map((number) =>
          status(anonymous(), 'POST', '/users', {
            name: 'New',
            email: 'twice@example.com',
            password: `password ${number}`,
            invitation_id: link.id,
            invitation_token: link.token,
          }),
        ),
      );
      assert.deepEqual(joined.sort(), [201, 409, 409]);
      assert.equal((await api.get<unknown[]>(`/teams/${teamId}/members`)).length, 1);

      const place = `/organizations/${organizationId}`;
      for (let round = 0; round < 5; round++) {
        const both = await Promise.all(
          ['viewer', 'developer', 'viewer'].map((role) =>
            status(api, 'POST', `${place}/teams/${teamId}/link`, { role_id: roleIds[role] }),
          ),
        );
        assert.deepEqual(both, [204, 204, 204]);
        assert.equal((await api.get<unknown[]>(`/teams/${teamId}/memberships`)).length, 1);

        const role = await createRole(world, ['project:read']);
        const [deleted, linked] = await Promise.all([
          status(api, 'DELETE', `/roles/${role}`),
          status(api, 'POST', `${place}/teams/${teamId}/link`, { role_id: role }),
        ]);
        assert.ok(
          (deleted === 204 && [409, 422].includes(linked)) || (deleted === 409 && linked === 204),
          `${deleted} ${linked}`,
        );

        const token = await createProjectToken(api, projectId, roleIds['viewer']!);
        const [rotated, revoked] = await Promise.all([
          api.request<{ token?: string }>('POST', `/projects/${projectId}/tokens/${token.id}/rotate`, {
            expires_at: inDays(3),
          }),
          status(api, 'DELETE', `/projects/${projectId}/tokens/${token.id}/revoke`),
        ]);
        assert.equal(revoked, 204);
        for (const text of [token.token, rotated.body.token ?? token.token])
          assert.equal(await status(createApiClient(url, text), 'GET', '/projects'), 401);

        const brief = await api.post<{ id: number }>(`${place}/projects`, { name: fresh('brief') });
        const answers = await Promise.all([
          status(api, 'DELETE', `/projects/${brief.id}`),
          status(api, 'POST', `/projects/${brief.id}/environments`, { type: 'staging', name: 'x' }),
        ]);
        assert.ok(
          answers.every((one) => one < 500),
          answers.join(' '),
        );

        const leaving = await createTeam(world);
        const open = await invite(api, leaving);
        const person = await join(world, teamId);
        const [gone, came] = await Promise.all([
          status(api, 'DELETE', `/teams/${leaving}`),
          status(person.api, 'POST', `/team-invitations/${open.id}/accept?token=${open.token}`),
        ]);
        assert.equal(gone, 204);
        assert.ok(came < 500, String(came));
      }
    });

    test('a header does not make another address of a guesser', async () => {
      const guess = (number: number) =>
        anonymous().request(
          'POST',
          '/users/login',
          { email: `guessed-${number}@example.com`, password: 'x' },
          {
            'x-forwarded-for': `10.0.0.${number}`,
            forwarded: `for=10.0.0.${number}`,
            'x-real-ip': `10.0.0.${number}`,
          },
        );
      const answers = await Promise.all(Array.from({ length: 15 }, (_, number) => guess(number)));
      assert.ok(answers.some(({ status: given }) => given === 429));
    });
  });
}
