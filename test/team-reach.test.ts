import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createApiClient, login } from './support/api-client.ts';
import type { ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import { createApplication, createPipeline, untilAction } from './support/fixtures.ts';
import type { TestApplication, Workplace } from './support/fixtures.ts';
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
import type { Person, World } from './support/permission-world.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

type Listed = { id: number }[];
type Place = Workplace & { application: TestApplication; pipelineId: number; actionId: number };

for (const kind of databaseKinds) {
  describe(`what a team reaches on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let world: World;
    /** Two environments of one project, and one of another. */
    let here: Place;
    let beside: Place;
    let elsewhere: Place;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database, env: { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' } });
      world = await buildWorld(server, database);
      here = await furnish(world, world.projectId);
      beside = await furnish(world, world.projectId);
      elsewhere = await furnish(world, world.otherProjectId);
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
    });

    const idsOf = async (api: ApiClient, path: string) =>
      (await api.get<Listed>(path)).map(({ id }) => id).sort((a, b) => a - b);
    const statusOf = async (api: ApiClient, method: string, path: string, body?: unknown) =>
      (await api.request(method, path, body)).status;

    describe('with a role on one environment', () => {
      let member: Person;
      before(async () => {
        const place = `/environments/${here.environmentId}`;
        member = await personWithRole(world, place, world.roleIds['developer']!);
      });

      test('the lists hold it and the places above it, and nothing beside it', async () => {
        const { api } = member;
        assert.deepEqual(await idsOf(api, '/organizations'), [here.organizationId]);
        assert.deepEqual(await idsOf(api, '/projects'), [here.projectId]);
        for (const path of [
          `/organizations/${here.organizationId}/projects`,
          `/organizations/default/projects`,
        ])
          assert.deepEqual(await idsOf(api, path), [here.projectId]);
        assert.deepEqual(await idsOf(api, `/projects/${here.projectId}/environments`), [here.environmentId]);
        assert.deepEqual(await idsOf(api, `/environments/${here.environmentId}/applications`), [
          here.application.id,
        ]);
      });

      test('the places above it are seen by name alone', async () => {
        const { api } = member;
        const granted = async (path: string) =>
          (await api.get<{ current_user_permissions: string[] }>(path)).current_user_permissions;
        assert.deepEqual(await granted(`/organizations/${here.organizationId}`), [
          'organization:read',
          'project:read',
        ]);
        assert.deepEqual(await granted(`/projects/${here.projectId}`), ['project:read', 'environment:read']);
        assert.ok((await granted(`/environments/${here.environmentId}`)).includes('application:update'));
        for (const path of [
          `/organizations/${here.organizationId}/credentials`,
          `/organizations/${here.organizationId}/teams`,
          `/organizations/${here.organizationId}/roles`,
          `/organizations/${here.organizationId}/team-memberships`,
          `/organizations/${here.organizationId}/audit-events`,
          `/projects/${here.projectId}/tokens`,
          `/projects/${here.projectId}/team-memberships`,
          `/projects/${here.projectId}/actions/application`,
          `/teams/${world.ids['team_id']}`,
          `/teams/${world.ids['team_id']}/members`,
          `/roles/${world.ids['role_id']}`,
        ])
          assert.equal(await statusOf(api, 'GET', path), 403, path);
        for (const path of [`/organizations/${here.organizationId}`, `/projects/${here.projectId}`]) {
          assert.equal(await statusOf(api, 'PUT', path, { name: 'mine' }), 403);
          assert.equal(await statusOf(api, 'DELETE', path), 403);
        }
      });

      test('what lies beside it does not exist', async () => {
        for (const place of [beside, elsewhere]) {
          for (const path of [
            `/environments/${place.environmentId}`,
            `/environments/${place.environmentId}/applications`,
            `/environments/${place.environmentId}/credentials`,
            `/environments/${place.environmentId}/actions`,
            `/applications/${place.application.id}`,
            `/applications/${place.application.id}/variables`,
            `/applications/${place.application.id}/hooks`,
            `/credentials/${place.application.credentialId}`,
            `/pipelines/${place.pipelineId}`,
            `/pipelines/application/${place.application.id}`,
            `/pipelines/${place.pipelineId}/actions`,
            `/actions/${place.actionId}`,
            `/actions/application/${place.application.id}`,
            `/resource-links/application/${place.application.id}`,
          ])
            assert.equal(await statusOf(member.api, 'GET', path), 404, path);
        }
        assert.equal(await statusOf(member.api, 'GET', `/projects/${elsewhere.projectId}`), 404);
      });

      test('the list of all actions holds those of the environment, whatever is filtered for', async () => {
        const { api } = member;
        const listed = (query: string) => idsOf(api, `/actions?per_page=100${query}`);
        const ours = [here.actionId];
        assert.deepEqual(await listed(''), ours);
        for (const name of ['organization_id', 'filter[organization_id]'])
          assert.deepEqual(await listed(`&${name}=${here.organizationId}`), ours);
        assert.deepEqual(await listed(`&filter[project_id]=${here.projectId}`), ours);
        for (const filter of [
          `environment_id=${beside.environmentId}`,
          `filter[environment_id]=${beside.environmentId}`,
          `filter[project_id]=${elsewhere.projectId}`,
          `filter[organization_id]=${world.strangers.organizationId}`,
          `filter[resource_type]=application&filter[resource_id]=${beside.application.id}`,
        ])
          assert.deepEqual(await listed(`&${filter}`), [], filter);
        const inside = `/environments/${here.environmentId}/actions`;
        assert.deepEqual(await idsOf(api, `${inside}?filter[environment_id]=${beside.environmentId}`), []);
        assert.deepEqual(await idsOf(api, `${inside}/application?project_id=${elsewhere.projectId}`), []);
        // The same filter twice is no way around it either.
        const twice = `/actions?filter[environment_id]=${here.environmentId}&filter[environment_id]=${beside.environmentId}`;
        assert.equal(await statusOf(api, 'GET', twice), 422);
      });

      test('objects of other environments cannot be used by naming them in a body', async () => {
        const { api } = member;
        const machine = async (place: Place) =>
          (
            await place.api.post<{ id: number }>(`/environments/${place.environmentId}/servers`, {
              hostname: fresh('box').replace(' ', '-'),
            })
          ).id;
        const [near, far] = [await machine(here), await machine(beside)];
        const refusedField = async (method: string, path: string, body: unknown) => {
          const answer = await api.request<{ errors: { field: string }[] }>(method, path, body);
          assert.equal(answer.status, 422, `${method} ${path}`);
          return answer.body.errors.map(({ field }) => field);
        };
        const create = `/environments/${here.environmentId}/applications`;
        const draft = { name: fresh('app'), repository: 'a/b' };
        assert.deepEqual(
          await refusedField('POST', create, { ...draft, credential_id: beside.application.credentialId }),
          ['credential_id'],
        );
        assert.deepEqual(
          await refusedField('POST', create, {
            ...draft,
            linked_resources: [{ resource_type: 'server', resource_id: far }],
          }),
          ['linked_resources.0.resource_id'],
        );
        assert.deepEqual(
          await refusedField('PUT', `/applications/${here.application.id}`, {
            credential_id: elsewhere.application.credentialId,
          }),
          ['credential_id'],
        );
        assert.deepEqual(
          await refusedField('POST', `/pipelines/${here.pipelineId}/actions`, { servers: [near, far] }),
          ['servers.1'],
        );
        assert.deepEqual(
          await refusedField('POST', `/applications/${here.application.id}/deployments`, {
            type: 'deploy',
            pipeline_id: beside.pipelineId,
          }),
          ['pipeline_id'],
        );
        const hook = { name: 'h', action_type: 'deploy', resource_type: 'application' };
        assert.equal(
          await statusOf(api, 'POST', '/hooks/incoming', { ...hook, resource_id: beside.application.id }),
          404,
        );
        const links = `/resource-links/application/${here.application.id}/server`;
        assert.equal(await statusOf(api, 'POST', `${links}/${far}/link`), 404);
        assert.equal(await statusOf(world.api, 'POST', `${links}/${far}/link`), 422);
        assert.equal(
          await statusOf(
            api,
            'POST',
            `/resource-links/server/${far}/application/${here.application.id}/link`,
          ),
          404,
        );
        assert.equal(await statusOf(api, 'POST', `${links}/${near}/link`), 204);
      });
    });

    describe('with a role on one project', () => {
      let member: Person;
      before(async () => {
        member = await personWithRole(world, `/projects/${here.projectId}`, world.roleIds['viewer']!);
      });

      test('all of its environments are seen, and no other project', async () => {
        const { api } = member;
        assert.deepEqual(await idsOf(api, '/projects'), [here.projectId]);
        assert.deepEqual(
          await idsOf(api, `/projects/${here.projectId}/environments`),
          await idsOf(world.api, `/projects/${here.projectId}/environments`),
        );
        for (const place of [here, beside])
          assert.equal(await statusOf(api, 'GET', `/applications/${place.application.id}`), 200);
        const actions = await idsOf(api, '/actions?per_page=100');
        assert.ok(actions.includes(here.actionId) && actions.includes(beside.actionId));
        assert.ok(!actions.includes(elsewhere.actionId));
        assert.deepEqual(await idsOf(api, `/actions?filter[project_id]=${elsewhere.projectId}`), []);
        for (const path of [
          `/projects/${elsewhere.projectId}`,
          `/projects/${elsewhere.projectId}/environments`,
          `/projects/${elsewhere.projectId}/tokens`,
          `/applications/${elsewhere.application.id}`,
        ])
          assert.equal(await statusOf(api, 'GET', path), 404, path);
        for (const path of ['credentials', 'teams', 'roles', 'audit-events'])
          assert.equal(
            await statusOf(api, 'GET', `/organizations/${here.organizationId}/${path}`),
            403,
            path,
          );
      });

      test('a list holds no place that the role may not read', async () => {
        const narrow = async (place: string) =>
          (await personWithRole(world, place, await createRole(world, ['hook:read']))).api;
        const ofOrganization = await narrow(`/organizations/${here.organizationId}`);
        assert.deepEqual(await idsOf(ofOrganization, '/projects'), []);
        assert.equal(await statusOf(ofOrganization, 'GET', `/projects/${here.projectId}`), 403);
        const ofProject = await narrow(`/projects/${here.projectId}`);
        assert.deepEqual(await idsOf(ofProject, '/organizations'), [here.organizationId]);
        assert.deepEqual(await idsOf(ofProject, '/projects'), []);
        assert.equal(await statusOf(ofProject, 'GET', `/projects/${here.projectId}/environments`), 403);
        assert.deepEqual(await idsOf(ofProject, '/actions'), []);
        const ofEnvironment = await narrow(`/environments/${here.environmentId}`);
        assert.deepEqual(await idsOf(ofEnvironment, '/projects'), [here.projectId]);
        assert.deepEqual(await idsOf(ofEnvironment, `/projects/${here.projectId}/environments`), []);
        assert.equal(
          await statusOf(ofEnvironment, 'GET', `/environments/${here.environmentId}/actions`),
          403,
        );
      });

      test('the teams of an environment are shown to those who may read teams', async () => {
        const place = `/environments/${here.environmentId}`;
        const role = await createRole(world, ['environment:read']);
        const { api } = await personWithRole(world, place, role);
        assert.deepEqual((await api.get<{ teams: unknown[] }>(place)).teams, []);
        assert.notDeepEqual((await world.viewer.api.get<{ teams: unknown[] }>(place)).teams, []);
      });
    });

    describe('roles', () => {
      const everyToken = async (person: Person): Promise<ApiClient[]> => {
        const body = { name: 't', expires_at: inDays(1) };
        const { token } = await person.api.post<{ token: string }>('/users/personal-access-tokens', body);
        const { access_token } = await login(server.url, person.email, person.password);
        return [person.api, ...[token, access_token].map((text) => createApiClient(server.url, text))];
      };
      const answers = async (clients: ApiClient[], path: string, method = 'GET', body?: unknown) =>
        await Promise.all(clients.map((client) => statusOf(client, method, path, body)));

      test('a change of a custom role is in force at once, for people and tokens', async () => {
        const role = await createRole(world, ['application:read']);
        const person = await personWithRole(world, `/projects/${here.projectId}`, role);
        const { token } = await createProjectToken(world.api, here.projectId, role);
        const clients = [...(await everyToken(person)), createApiClient(server.url, token)];
        const path = `/applications/${here.application.id}`;
        const body = { default_branch: 'main' };
        assert.deepEqual(await answers(clients, path, 'PUT', body), [403, 403, 403, 403]);
        const permissions = ['application:read', 'application:update'];
        await world.api.put(`/roles/${role}`, { permissions });
        assert.deepEqual(await answers(clients, path, 'PUT', body), [204, 204, 204, 204]);
        await world.api.put(`/roles/${role}`, { permissions: ['hook:read'] });
        assert.deepEqual(await answers(clients, path), [403, 403, 403, 403]);
      });

      for (const [how, end] of [
        ['removing a member', (teamId: number, userId: number) => `/teams/${teamId}/members/${userId}`],
        ['unlinking a team', (teamId: number) => `/environments/ENVIRONMENT/teams/${teamId}/unlink`],
        ['deleting a team', (teamId: number) => `/teams/${teamId}`],
      ] as const) {
        test(`${how} ends access at once, with every kind of token`, async () => {
          const place = `/environments/${here.environmentId}`;
          const person = await personWithRole(world, place, world.roleIds['admin']!);
          const clients = await everyToken(person);
          const path = `/applications/${here.application.id}`;
          assert.deepEqual(await answers(clients, path), [200, 200, 200]);
          const address = end(person.teamId, person.id).replace('ENVIRONMENT', String(here.environmentId));
          await world.api.delete(address);
          assert.deepEqual(await answers(clients, path), [404, 404, 404]);
          assert.deepEqual(await answers(clients, `/organizations/${here.organizationId}`), [404, 404, 404]);
          for (const list of ['/organizations', '/projects', '/actions'])
            assert.deepEqual(await idsOf(person.api, list), []);
          assert.deepEqual(await answers(clients, '/users/me'), [200, 200, 200]);
        });
      }

      test('somebody who was removed does not come back with a public link of the team', async () => {
        const teamId = await createTeam(world);
        const link = await invite(world.api, teamId);
        const person = await join(world, await createTeam(world));
        const accept = `/team-invitations/${link.id}/accept?token=${link.token}`;
        assert.equal(await statusOf(person.api, 'POST', accept), 204);
        await world.api.delete(`/teams/${teamId}/members/${person.id}`);
        assert.equal(await statusOf(person.api, 'POST', accept), 409);
        assert.deepEqual(await world.api.get(`/teams/${teamId}/members`), []);
      });

      test('a role that this version does not know may do nothing, and shows nothing', async () => {
        for (const key of ['emperor', 'constructor', '__proto__']) {
          const role = await createRole(world, ['application:read']);
          const person = await personWithRole(world, `/organizations/${here.organizationId}`, role);
          const { token } = await createProjectToken(world.api, here.projectId, role);
          await executeSql(
            database,
            `update roles set key = '${key}', permissions = null where id = ${role}`,
          );
          for (const api of [person.api, createApiClient(server.url, token)]) {
            assert.equal(await statusOf(api, 'GET', `/applications/${here.application.id}`), 404);
            assert.equal(await statusOf(api, 'GET', `/organizations/${here.organizationId}`), 404);
            assert.equal(await statusOf(api, 'GET', `/projects/${here.projectId}`), 404);
            for (const list of ['/organizations', '/projects', '/actions'])
              assert.deepEqual(await idsOf(api, list), [], `${key} ${list}`);
          }
        }
      });

      test('a permission that no longer exists grants nothing; the others of the role stay', async () => {
        const role = await createRole(world, ['application:read']);
        const person = await personWithRole(world, `/organizations/${here.organizationId}`, role);
        const stored = '["application:read","application:fly","toString","server:read "]';
        await executeSql(database, `update roles set permissions = '${stored}' where id = ${role}`);
        assert.equal(await statusOf(person.api, 'GET', `/applications/${here.application.id}`), 200);
        assert.equal(await statusOf(person.api, 'GET', `/servers/${world.ids['server_id']}`), 403);
      });
    });
  });
}

/** An environment of its own with an application, a pipeline and an action that has ended. */
async function furnish(world: World, projectId: number): Promise<Place> {
  const { id } = await world.api.post<{ id: number }>(`/projects/${projectId}/environments`, {
    type: 'staging',
    name: fresh('environment'),
  });
  const workplace = { ...world, projectId, environmentId: id };
  const application = await createApplication(workplace);
  const pipelineId = await createPipeline(workplace, application);
  const action = await world.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {});
  await untilAction(workplace, action.id);
  return { ...workplace, application, pipelineId, actionId: action.id };
}
