import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { permissions, permissionTable } from '../src/accounts/permissions.ts';
import { createApiClient, login } from './support/api-client.ts';
import type { ApiAnswer, ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { createApplication, createPipeline } from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import {
  addMember,
  addPerson,
  createOrganization,
  createRole,
  createTeam,
  roleId,
  signIn,
} from './support/people.ts';
import type { Person, RoleOn } from './support/people.ts';
import { dumpTables } from './support/table-dump.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

type Faults = { message: string; errors: { field: string; message: string }[] | null };
type Named = { id: number; name: string };
type Role = Named & {
  description: string;
  permissions: string[];
  is_predefined: boolean;
  created_by_user: { email: string } | null;
  organization: Named | null;
};
type Team = Named & {
  photo_url: string | null;
  users: Named[];
  created_by_user: { email: string } | null;
};
type Membership = {
  team: Named | null;
  role: Named | null;
  organization: Named | null;
  project: Named | null;
  environment: Named | null;
};
type Token = {
  id: string;
  name: string;
  token: string | null;
  status: string;
  last_used_at: string | null;
  role: Named | null;
  project: Named | null;
};

const places: readonly RoleOn[] = ['organization', 'project', 'environment'];
/** Reads alone: what somebody needs to look around in a place. */
const looking = ['organization:read', 'project:read', 'environment:read', 'team:read', 'role:read'];

for (const kind of databaseKinds) {
  describe(`members on ${kind}`, () => {
    let database: TestDatabase;
    let app: InProcessApp;
    let api: ApiClient;
    let another: Workplace;

    before(async () => {
      database = await createTestDatabase(kind);
      // So that a test may guess from an address of its own.
      app = await startInProcessApp({ database, env: { HOOKLINE_TRUST_PROXY: '127.0.0.1' } });
      api = app.api;
      another = await createOrganization(app.url, api);
    });
    after(async () => {
      await app?.stop();
      await database?.drop();
    });

    const send = <T = Faults>(
      method: string,
      path: string,
      body?: unknown,
      as: ApiClient = api,
    ): Promise<ApiAnswer<T>> => as.request<T>(method, path, body);
    const status = async (method: string, path: string, body?: unknown, as: ApiClient = api) =>
      (await send(method, path, body, as)).status;
    const refusedFields = async (method: string, path: string, body: unknown) => {
      const answer = await send(method, path, body);
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      return (answer.body.errors ?? []).map(({ field }) => field).sort();
    };
    const inDays = (days: number) => new Date(app.clock.now() + days * DAY_MS).toISOString();
    const ours = () => `/organizations/${app.organizationId}`;

    describe('permissions and roles', () => {
      test('the list of permissions is the whole table, with what each needs', async () => {
        type Group = {
          resource_type: string;
          permissions: { name: string; permission: string; hint: string; required_permissions: string[] }[];
        };
        const groups = await api.get<Group[]>('/permissions');
        assert.deepEqual(await api.get('/static/permissions'), groups);
        const shown = groups.flatMap((group) => group.permissions);
        assert.deepEqual(
          shown.map(({ permission }) => permission),
          permissions,
        );
        for (const { resource_type, permissions: verbs } of groups) {
          const { verbs: wanted } = permissionTable[resource_type as keyof typeof permissionTable];
          assert.deepEqual(Object.fromEntries(verbs.map(({ name, hint }) => [name, hint])), wanted);
        }
        const deploy = shown.find(({ permission }) => permission === 'application:deploy');
        assert.deepEqual(deploy?.required_permissions, ['application:read']);
        const read = shown.find(({ permission }) => permission === 'application:read');
        assert.deepEqual(read?.required_permissions, []);
      });

      test('a role is created, read, listed, changed and deleted', async () => {
        const body = { name: 'deployer', description: 'Deploys', permissions: looking };
        const created = await api.post<Role>(`${ours()}/roles`, body);
        assert.equal(created.is_predefined, false);
        assert.equal(created.created_by_user?.email, 'admin@example.com');
        assert.equal(created.organization?.id, app.organizationId);
        const path = `/roles/${created.id}`;
        assert.deepEqual(await api.get(path), created);
        assert.equal((await api.get<Role[]>(`${ours()}/roles`))[0]?.id, created.id);
        assert.equal(await status('PUT', path, { permissions: ['hook:read'] }), 204);
        const changed = await api.get<Role>(path);
        assert.deepEqual(
          [changed.name, changed.description, changed.permissions],
          ['deployer', 'Deploys', ['hook:read']],
        );
        assert.equal(await status('DELETE', path), 204);
        assert.equal(await status('GET', path), 404);
      });

      test('every fault of a role is named at once, and each permission that needs another', async () => {
        const path = `${ours()}/roles`;
        assert.deepEqual(await refusedFields('POST', path, { name: '', description: 7 }), [
          'description',
          'name',
          'permissions',
        ]);
        const unknown = { name: 'x', permissions: ['hook:read', 'hook:fly'] };
        assert.deepEqual(await refusedFields('POST', path, unknown), ['permissions.1']);
        const lacking = {
          name: 'x',
          permissions: ['hook:create', 'server:read', 'server:stop', 'team:update'],
        };
        const answer = await send('POST', path, lacking);
        assert.equal(answer.status, 422);
        assert.deepEqual(answer.body.errors, [
          { field: 'permissions.0', message: 'needs hook:read as well' },
          { field: 'permissions.3', message: 'needs team:read as well' },
        ]);
        const id = await createRole(app, looking);
        assert.deepEqual(await refusedFields('PUT', `/roles/${id}`, { permissions: ['hook:delete'] }), [
          'permissions.0',
        ]);
      });

      test('two roles of an organization cannot have one name; those of two organizations can', async () => {
        const body = { name: 'unique', permissions: looking };
        const { id } = await api.post<Role>(`${ours()}/roles`, body);
        assert.deepEqual(await refusedFields('POST', `${ours()}/roles`, body), ['name']);
        assert.deepEqual(await refusedFields('POST', `${ours()}/roles`, { ...body, name: 'owner' }), [
          'name',
        ]);
        assert.deepEqual(await refusedFields('PUT', `/roles/${id}`, { name: 'viewer' }), ['name']);
        assert.equal(await status('POST', `/organizations/${another.organizationId}/roles`, body), 201);
      });

      test('a predefined role is neither changed nor deleted', async () => {
        for (const name of ['owner', 'admin', 'developer', 'viewer']) {
          const path = `/roles/${await roleId(app, name)}`;
          const before = await api.get<Role>(path);
          assert.equal(await status('PUT', path, { name: 'mine', permissions: looking }), 409, name);
          assert.equal(await status('DELETE', path), 409, name);
          assert.deepEqual(await api.get(path), before);
        }
      });

      test('a role that somebody has is not deleted, and the answer names who has it', async () => {
        const id = await createRole(app, looking);
        const team = await createTeam(app, { name: `holders ${kind}`, role: id });
        await api.post(`/projects/${app.projectId}/tokens`, {
          name: 'holding token',
          role_id: id,
          expires_at: inDays(1),
        });
        const refused = await send('DELETE', `/roles/${id}`);
        assert.equal(refused.status, 409);
        assert.match(refused.body.message, /team "holders \w+"/);
        assert.match(refused.body.message, /API token "holding token"/);
        await api.delete(`${ours()}/teams/${team.id}/unlink`);
        const still = await send('DELETE', `/roles/${id}`);
        assert.equal(still.status, 409);
        assert.doesNotMatch(still.body.message, /team "/);
      });

      test('a change of a role changes at once what its holders may do', async () => {
        const id = await createRole(app, looking);
        const person = await addPerson(app, { role: id });
        assert.equal(await status('GET', `${ours()}/credentials`, undefined, person.api), 403);
        await api.put(`/roles/${id}`, { permissions: [...looking, 'credential:read'] });
        assert.equal(await status('GET', `${ours()}/credentials`, undefined, person.api), 200);
        await api.put(`/roles/${id}`, { permissions: looking });
        assert.equal(await status('GET', `${ours()}/credentials`, undefined, person.api), 403);
      });

      test('nobody gives away more than they have: by a role, a link, a token or an invitation', async () => {
        const manager = await addPerson(app, {
          role: await createRole(app, [
            ...looking,
            'role:create',
            'role:update',
            'team:create',
            'team:update',
            'token:read',
            'token:create',
            'token:update',
          ]),
        });
        const strong = await roleId(app, 'admin');
        const theirs = await createRole({ ...app, api: manager.api }, looking);
        const team = await createTeam(app);
        const strongTeam = await createTeam(app, { role: strong, on: 'environment' });
        const strongToken = await api.post<Token>(`/projects/${app.projectId}/tokens`, {
          name: 'strong',
          role_id: strong,
          expires_at: inDays(1),
        });
        const more = [...looking, 'hook:read'];
        for (const [method, path, body] of [
          ['POST', `${ours()}/roles`, { name: 'more', permissions: more }],
          ['PUT', `/roles/${theirs}`, { permissions: more }],
          ['POST', `${ours()}/teams/${team.id}/link`, { role_id: strong }],
          ['POST', `/projects/${app.projectId}/teams/${team.id}/link`, { role_id: strong }],
          ['POST', `/environments/${app.environmentId}/teams/${team.id}/link`, { role_id: strong }],
          [
            'POST',
            `/projects/${app.projectId}/tokens`,
            { name: 'more', role_id: strong, expires_at: inDays(1) },
          ],
          ['POST', `/projects/${app.projectId}/tokens/${strongToken.id}/rotate`, { expires_at: inDays(1) }],
          ['POST', `/teams/${strongTeam.id}/invitations`, { type: 'public' }],
        ] as const) {
          const answer = await send(method, path, body, manager.api);
          assert.equal(answer.status, 403, `${method} ${path}`);
          assert.match(answer.body.message, /cannot give/, path);
        }
        const mine = { role_id: theirs };
        assert.equal(await status('POST', `${ours()}/teams/${team.id}/link`, mine, manager.api), 204);
      });
    });

    describe('teams', () => {
      test('a team is created, read, listed, changed and deleted', async () => {
        const created = await api.post<Team>(`${ours()}/teams`, {
          name: 'Platform',
          photo_url: 'https://example.com/p.png',
        });
        assert.equal(created.created_by_user?.email, 'admin@example.com');
        assert.deepEqual(created.users, []);
        const path = `/teams/${created.id}`;
        assert.deepEqual(await api.get(path), created);
        assert.equal((await api.get<Team[]>(`${ours()}/teams`))[0]?.id, created.id);
        assert.equal(await status('PUT', path, { name: 'Base' }), 204);
        assert.equal((await api.get<Team>(path)).photo_url, 'https://example.com/p.png');
        assert.equal(await status('PUT', path, { photo_url: null }), 204);
        const changed = await api.get<Team>(path);
        assert.deepEqual([changed.name, changed.photo_url], ['Base', null]);
        assert.equal(await status('DELETE', path), 204);
        assert.equal(await status('GET', path), 404);
      });

      test('every fault of a team is named at once, a name that is taken too', async () => {
        const body = { name: '', photo_url: 'javascript:alert(1)' };
        assert.deepEqual(await refusedFields('POST', `${ours()}/teams`, body), ['name', 'photo_url']);
        const [one, other] = [await createTeam(app), await createTeam(app)];
        assert.deepEqual(await refusedFields('POST', `${ours()}/teams`, { name: one.name }), ['name']);
        assert.deepEqual(await refusedFields('PUT', `/teams/${other.id}`, { name: one.name }), ['name']);
        await createTeam(another, { name: one.name });
      });

      test('members are listed and read, and one who is removed can do nothing more, with any token', async () => {
        const team = await createTeam(app, { role: 'developer' });
        const [stays, leaves] = [await addMember(app, team.id), await addMember(app, team.id)];
        const personal = await leaves.api.post<Token>('/users/personal-access-tokens', {
          name: 'mine',
          expires_at: inDays(1),
        });
        const withToken = createApiClient(app.url, personal.token!);
        const members = await api.get<{ user: Named }[]>(`/teams/${team.id}/members`);
        assert.deepEqual(new Set(members.map(({ user }) => user.id)), new Set([stays.id, leaves.id]));
        assert.equal((await api.get<Team>(`/teams/${team.id}`)).users.length, 2);
        const path = `/teams/${team.id}/members/${leaves.id}`;
        const member = await api.get<{ user: Named; team: Named }>(path);
        assert.deepEqual([member.user.id, member.team.id], [leaves.id, team.id]);
        for (const client of [leaves.api, withToken])
          assert.equal(await status('GET', ours(), undefined, client), 200);
        assert.equal(await status('DELETE', path), 204);
        for (const client of [leaves.api, withToken])
          assert.equal(await status('GET', ours(), undefined, client), 404);
        assert.equal(await status('GET', ours(), undefined, stays.api), 200);
        assert.equal(await status('GET', path), 404);
        assert.equal(await status('DELETE', path), 404);
      });

      for (const on of places) {
        test(`a role on one ${on} reaches it and what it holds, is replaced by another, and ends`, async () => {
          const here = `/${on}s/${app[`${on}Id`]}`;
          const team = await createTeam(app);
          const person = await addMember(app, team.id);
          const link = async (role: string) =>
            status('POST', `${here}/teams/${team.id}/link`, { role_id: await roleId(app, role) });
          const linked = async () => {
            const ofPlace = await api.get<Membership[]>(`${here}/team-memberships?per_page=100`);
            const ofTeam = await api.get<Membership[]>(`/teams/${team.id}/memberships`);
            assert.deepEqual(
              ofPlace.filter((one) => one.team?.id === team.id),
              ofTeam,
            );
            return ofTeam.map(({ role }) => role?.name);
          };
          const home = `/environments/${app.environmentId}/credentials`;
          assert.equal(await status('GET', home, undefined, person.api), 404);
          assert.equal(await link('viewer'), 204);
          assert.deepEqual(await linked(), ['viewer']);
          assert.equal(await status('GET', home, undefined, person.api), 200);
          const credential = {
            name: 'hub',
            provider_code: 'github',
            settings: { access_token: 'ghp_x' },
          };
          assert.equal(await status('POST', home, credential, person.api), 403);
          assert.equal(await link('admin'), 204);
          assert.deepEqual(await linked(), ['admin']);
          assert.equal(await status('POST', home, credential, person.api), 201);
          const beyond = on === 'organization' ? 201 : 403;
          const role = { name: `by a ${on}`, permissions: looking };
          assert.equal(await status('POST', `${ours()}/roles`, role, person.api), beyond);
          assert.equal(await status('DELETE', `${here}/teams/${team.id}/unlink`), 204);
          assert.deepEqual(await linked(), []);
          assert.equal(await status('GET', home, undefined, person.api), 404);
          assert.equal(await status('DELETE', `${here}/teams/${team.id}/unlink`), 404);
        });

        test(`a role of another organization, or none, is no role for one ${on}; nor is its team a team`, async () => {
          const path = (team: Named) => `/${on}s/${app[`${on}Id`]}/teams/${team.id}/link`;
          const team = await createTeam(app);
          const [foreign, own] = [await roleId(another, 'viewer'), await roleId(app, 'viewer')];
          for (const role_id of [foreign, 999_999])
            assert.deepEqual(await refusedFields('POST', path(team), { role_id }), ['role_id']);
          assert.equal(await status('POST', path(await createTeam(another)), { role_id: own }), 404);
        });
      }

      test('a team has one role in each of several places, and its list shows each place', async () => {
        const team = await createTeam(app);
        const role_id = await roleId(app, 'viewer');
        for (const on of places)
          await api.post(`/${on}s/${app[`${on}Id`]}/teams/${team.id}/link`, { role_id });
        const list = await api.get<Membership[]>(`/teams/${team.id}/memberships`);
        assert.deepEqual(
          list.map(({ organization, project, environment }) => [
            organization?.id,
            project?.id ?? null,
            environment?.id ?? null,
          ]),
          [
            [app.organizationId, app.projectId, app.environmentId],
            [app.organizationId, app.projectId, null],
            [app.organizationId, null, null],
          ],
        );
      });

      test('a team that is deleted takes its roles and open invitations along', async () => {
        const person = await addPerson(app, { role: 'viewer' });
        assert.equal(await status('GET', ours(), undefined, person.api), 200);
        await api.delete(`/teams/${person.teamId}`);
        assert.equal(await status('GET', ours(), undefined, person.api), 404);
        assert.equal(await status('GET', '/users/me', undefined, person.api), 200);
      });
    });

    describe('API tokens of projects', () => {
      let home: string;
      let role_id: number;
      before(async () => {
        home = `/projects/${app.projectId}/tokens`;
        role_id = await roleId(app, 'developer');
      });
      const create = (fields: object = {}, as: ApiClient = api) =>
        as.post<Token>(home, { name: 'ci', role_id, expires_at: inDays(30), ...fields });
      const withToken = ({ token }: Token) => createApiClient(app.url, token!);
      const project = () => `/projects/${app.projectId}`;

      test('a token is shown once, and only a hash of it is stored', async () => {
        const created = await create();
        assert.match(created.token ?? '', /^hl_prj_.{40,}$/);
        assert.deepEqual([created.role?.id, created.project?.id], [role_id, app.projectId]);
        assert.equal(await status('GET', project(), undefined, withToken(created)), 200);
        const read = await api.get<Token>(`${home}/${created.id}`);
        assert.deepEqual([read.token, read.status], [null, 'active']);
        const listed = await api.get<Token[]>(home);
        assert.ok(listed.some(({ id }) => id === created.id));
        assert.ok(!JSON.stringify([read, listed]).includes(created.token!));
        const stored = await dumpTables(database);
        assert.ok(stored.includes(created.id), 'the test does not see what is stored');
        assert.ok(!stored.includes(created.token!), 'the database holds the text of the token');
        assert.ok(!stored.includes(created.token!.slice('hl_prj_'.length)));
      });

      test('rotating a token ends its old text at once', async () => {
        const old = await create();
        const rotated = await api.post<Token>(`${home}/${old.id}/rotate`, { expires_at: inDays(60) });
        assert.equal(rotated.id, old.id);
        assert.equal(await status('GET', project(), undefined, withToken(old)), 401);
        assert.equal(await status('GET', project(), undefined, withToken(rotated)), 200);
      });

      test('a revoked token ends for good', async () => {
        const token = await create();
        const path = `${home}/${token.id}`;
        assert.equal(await status('DELETE', `${path}/revoke`), 204);
        assert.equal(await status('DELETE', `${path}/revoke`), 204);
        const refused = await send('GET', project(), undefined, withToken(token));
        assert.equal(refused.status, 401);
        assert.match(refused.body.message, /revoked/);
        assert.equal((await api.get<Token>(path)).status, 'revoked');
        assert.equal(await status('POST', `${path}/rotate`, { expires_at: inDays(1) }), 422);
      });

      test('a token ends when its time is over, and rotating brings it back', async () => {
        const token = await create({ expires_at: new Date(app.clock.now() + MINUTE_MS).toISOString() });
        assert.equal(await status('GET', project(), undefined, withToken(token)), 200);
        await app.clock.jump(MINUTE_MS);
        const refused = await send('GET', project(), undefined, withToken(token));
        assert.equal(refused.status, 401);
        assert.match(refused.body.message, /expired/);
        assert.equal((await api.get<Token>(`${home}/${token.id}`)).status, 'expired');
        const rotated = await api.post<Token>(`${home}/${token.id}/rotate`, { expires_at: inDays(1) });
        assert.equal(await status('GET', project(), undefined, withToken(rotated)), 200);
      });

      test('when a token was last used is known to the minute', async () => {
        const token = await create();
        const lastUsed = async () => (await api.get<Token>(`${home}/${token.id}`)).last_used_at;
        assert.equal(await lastUsed(), null);
        const first = new Date(app.clock.now()).toISOString();
        await withToken(token).get(project());
        assert.equal(await lastUsed(), first);
        await app.clock.jump(MINUTE_MS);
        await withToken(token).get(project());
        assert.equal(await lastUsed(), first);
        await app.clock.jump(1);
        const later = new Date(app.clock.now()).toISOString();
        await withToken(token).get(project());
        assert.equal(await lastUsed(), later);
      });

      test('a token goes on working when whoever made it has left', async () => {
        const maker = await addPerson(app, { role: 'admin' });
        const token = await create({}, maker.api);
        await api.delete(`/teams/${maker.teamId}/members/${maker.id}`);
        assert.equal(await status('GET', project(), undefined, maker.api), 404);
        assert.equal(await status('GET', project(), undefined, withToken(token)), 200);
      });

      test('a token may do what its role says in its project, and nothing elsewhere', async () => {
        const application = await createApplication(app);
        const pipelineId = await createPipeline(app, application);
        const beside = await api.post<Named>(`${ours()}/projects`, { name: 'Beside' });
        const theirs = withToken(await create());
        for (const [method, path, body, wanted] of [
          ['GET', `/environments/${app.environmentId}`, undefined, 200],
          ['PUT', `/pipelines/${pipelineId}`, { name: 'by a token' }, 204],
          ['GET', ours(), undefined, 200],
          ['GET', `${ours()}/teams`, undefined, 403],
          ['PUT', ours(), { name: 'x' }, 403],
          ['GET', home, undefined, 403],
          ['PUT', project(), { name: 'x' }, 403],
          ['GET', `/projects/${beside.id}`, undefined, 404],
          ['GET', `/projects/${another.projectId}`, undefined, 404],
          ['GET', `/organizations/${another.organizationId}`, undefined, 404],
        ] as const)
          assert.equal(await status(method, path, body, theirs), wanted, `${method} ${path}`);
        const seen = await theirs.get<Named[]>('/projects');
        assert.deepEqual(
          seen.map(({ id }) => id),
          [app.projectId],
        );
        assert.deepEqual(
          (await theirs.get<Named[]>('/organizations')).map(({ id }) => id),
          [app.organizationId],
        );
      });

      test('a token is no person: it has no account, no tokens and no organizations of its own', async () => {
        const theirs = withToken(await create({ role_id: await roleId(app, 'owner') }));
        for (const [method, path, body] of [
          ['GET', '/users/me', undefined],
          ['GET', '/users/logout', undefined],
          ['GET', '/users/personal-access-tokens', undefined],
          ['POST', '/users/personal-access-tokens', { name: 'x', expires_at: inDays(1) }],
          ['POST', '/organizations', { name: 'x' }],
          ['PUT', '/users/1', { name: 'Somebody' }],
        ] as const) {
          const answer = await send(method, path, body, theirs);
          assert.equal(answer.status, 403, `${method} ${path}`);
          assert.match(answer.body.message, /person/);
        }
      });

      test('a token of one project is none of another, and a faulty one is refused with every fault', async () => {
        const token = await create();
        const elsewhere = `/projects/${another.projectId}/tokens`;
        assert.equal(await status('GET', `${elsewhere}/${token.id}`), 404);
        assert.equal(await status('DELETE', `${elsewhere}/${token.id}/revoke`), 404);
        assert.equal(await status('POST', `${elsewhere}/${token.id}/rotate`, { expires_at: inDays(1) }), 404);
        assert.deepEqual(await refusedFields('POST', home, {}), ['expires_at', 'name', 'role_id']);
        const past = { name: 'x', role_id, expires_at: inDays(-1) };
        assert.deepEqual(await refusedFields('POST', home, past), ['expires_at']);
        const foreign = { name: 'x', role_id: await roleId(another, 'viewer'), expires_at: inDays(1) };
        assert.deepEqual(await refusedFields('POST', home, foreign), ['role_id']);
      });
    });

    describe('one’s own account', () => {
      let person: Person;
      before(async () => {
        person = await addPerson(app, { role: 'viewer' });
      });
      const change = (body: object, as: ApiClient = person.api, id = person.id) =>
        send('PUT', `/users/${id}`, body, as);

      test('the name and the language change without a password, and end nothing', async () => {
        const other = await signIn(app.url, person);
        assert.equal((await change({ name: 'Ada Lovelace', language: 'pt' })).status, 204);
        const me = await other.get<{ name: string; language: string; email: string }>('/users/me');
        assert.deepEqual([me.name, me.language, me.email], ['Ada Lovelace', 'pt', person.email]);
      });

      test('a new password needs the current one, and ends every other session', async () => {
        const tokens = await login(app.url, person.email, person.password);
        const password = 'a new password of theirs';
        const missing = await change({ password });
        const wrong = await change({ password, current_password: 'not it' });
        for (const { status: refused, body } of [missing, wrong]) {
          assert.equal(refused, 422);
          assert.deepEqual(
            body.errors?.map(({ field }) => field),
            ['current_password'],
          );
        }
        const other = createApiClient(app.url, tokens.access_token);
        assert.equal(await status('GET', '/users/me', undefined, other), 200);
        assert.equal((await change({ password, current_password: person.password })).status, 204);
        assert.equal(await status('GET', '/users/me', undefined, other), 401);
        const { refresh_token } = tokens;
        assert.equal(await status('POST', '/users/refresh-token', { refresh_token }), 401);
        assert.equal(await status('GET', '/users/me', undefined, person.api), 200);
        assert.equal(await status('POST', '/users/login', { ...person, password: person.password }), 401);
        person = { ...person, password };
        await signIn(app.url, person);
      });

      test('a new e-mail address needs the current password; one that is taken changes nothing', async () => {
        const other = await signIn(app.url, person);
        const current_password = person.password;
        const missing = await change({ email: 'new@example.com' });
        assert.deepEqual(
          missing.body.errors?.map(({ field }) => field),
          ['current_password'],
        );
        for (const email of ['admin@example.com', 'ADMIN@Example.com']) {
          const taken = await change({ email, name: 'Not to be kept', current_password });
          assert.equal(taken.status, 422);
          assert.deepEqual(
            taken.body.errors?.map(({ field }) => field),
            ['email'],
          );
        }
        assert.equal((await other.get<Named>('/users/me')).name, 'Ada Lovelace');
        assert.equal((await change({ email: 'Ada@Example.com', current_password })).status, 204);
        person = { ...person, email: 'ada@example.com' };
        assert.equal(await status('GET', '/users/me', undefined, other), 401);
        await signIn(app.url, person);
        // Sending what one has already is no change that needs a password.
        assert.equal((await change({ email: 'ada@example.com' })).status, 204);
      });

      test('every fault of a change is named at once', async () => {
        const body = { name: 'x', email: 'nowhere', language: 'tlh', password: 'short' };
        const { status: refused, body: answer } = await change(body);
        assert.equal(refused, 422);
        assert.deepEqual(answer.errors?.map(({ field }) => field).sort(), [
          'email',
          'language',
          'name',
          'password',
        ]);
      });

      test('nobody changes the account of another, not even the owner of the organization', async () => {
        const theirs = { name: 'Not mine', password: 'a stolen password', current_password: person.password };
        assert.equal((await change(theirs, api)).status, 404);
        assert.equal((await change(theirs, person.api, 999_999)).status, 404);
        await signIn(app.url, person);
      });

      test('guesses of the current password are throttled, until a quarter of an hour has passed', async () => {
        const headers = { 'x-forwarded-for': '203.0.113.7' };
        const guess = (current_password: string) =>
          person.api.request<Faults>(
            'PUT',
            `/users/${person.id}`,
            { password: 'taken over by me', current_password },
            headers,
          );
        const guesses = await Promise.all(Array.from({ length: 15 }, (_, index) => guess(`guess ${index}`)));
        assert.ok(guesses.filter((answer) => answer.status === 422).length <= 10);
        const refused = await guess(person.password);
        assert.equal(refused.status, 429);
        const seconds = Number(refused.headers.get('retry-after'));
        assert.ok(seconds > 0 && seconds <= 900, `Retry-After ${seconds}`);
        await app.clock.jump(seconds * 1000);
        assert.equal((await guess(person.password)).status, 204);
      });
    });
  });
}
