import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import {
  createApplication,
  createPipeline,
  joinTeam,
  openWorkplace,
  untilAction,
} from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';
import type { ApiClient } from './support/api-client.ts';

type Thing = readonly ['application' | 'server', number];
type Link = {
  link_type: string;
  resource_type: string;
  resource_id: number;
  linked_resource_data: { id: number; name: string };
};
type Refusal = { message: string; errors: { field: string; message: string }[] | null };

for (const kind of databaseKinds) {
  describe(`applications on servers (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let work: Workplace;
    let elsewhere: Workplace;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      const { id: environmentId } = await work.api.post<{ id: number }>(
        `/projects/${work.projectId}/environments`,
        { type: 'staging', name: 'elsewhere' },
      );
      elsewhere = { ...work, environmentId };
    });

    const addApplication = async (where = work): Promise<Thing> => [
      'application',
      (await createApplication(where)).id,
    ];
    const addServer = async (where = work): Promise<Thing> => {
      const hostname = `web-${randomUUID().slice(0, 8)}`;
      const path = `/environments/${where.environmentId}/servers`;
      return ['server', (await where.api.post<{ id: number }>(path, { hostname })).id];
    };
    const call = (verb: 'link' | 'unlink', one: Thing, other: Thing, api: ApiClient = work.api) =>
      api.request<Refusal>(
        verb === 'link' ? 'POST' : 'DELETE',
        `/resource-links/${[...one, ...other].join('/')}/${verb}`,
      );
    const done = async (...given: Parameters<typeof call>): Promise<void> => {
      const { status, body } = await call(...given);
      assert.deepEqual([status, body], [204, undefined]);
    };
    const linksOf = async ([type, id]: Thing): Promise<Link[]> =>
      await work.api.get<Link[]>(`/resource-links/${type}/${id}`);
    const linked = async (thing: Thing): Promise<Thing[]> =>
      (await linksOf(thing)).map(({ resource_type, resource_id }) => [
        resource_type as Thing[0],
        resource_id,
      ]);
    const serversOf = async ([, id]: Thing): Promise<number[]> =>
      (await work.api.get<{ servers: { id: number }[] }>(`/applications/${id}`)).servers.map((one) => one.id);

    test('either end may be named first, to link and to unlink', async () => {
      const [application, server] = [await addApplication(), await addServer()];
      for (const [one, other] of [
        [application, server],
        [server, application],
      ] as const) {
        await done('link', one, other);
        assert.deepEqual(await linked(application), [server]);
        assert.deepEqual(await linked(server), [application]);
        assert.deepEqual(await serversOf(application), [server[1]]);
        await done('unlink', one, other);
        assert.deepEqual(await linked(application), []);
        assert.deepEqual(await linked(server), []);
        assert.deepEqual(await serversOf(application), []);
      }
    });

    test('to link twice does no harm; to unlink what is not linked is told', async () => {
      const [application, server] = [await addApplication(), await addServer()];
      await done('link', application, server);
      await done('link', application, server);
      await done('link', server, application);
      assert.deepEqual(await linked(application), [server]);
      await done('unlink', application, server);
      for (const [one, other] of [
        [application, server],
        [server, application],
      ] as const) {
        assert.equal((await call('unlink', one, other)).status, 404);
      }
    });

    test('a link tells what lies at its other end, and from which side it is seen', async () => {
      const [application, server] = [await addApplication(), await addServer()];
      await done('link', application, server);
      const { name } = await work.api.get<{ name: string }>(`/applications/${application[1]}`);
      const { hostname } = await work.api.get<{ hostname: string }>(`/servers/${server[1]}`);
      const facts = ({ link_type, linked_resource_data: { id, name: called } }: Link) => [
        link_type,
        id,
        called,
      ];
      assert.deepEqual((await linksOf(application)).map(facts), [['child', server[1], hostname]]);
      assert.deepEqual((await linksOf(server)).map(facts), [['parent', application[1], name]]);
    });

    test('links are listed page by page', async () => {
      const application = await addApplication();
      const servers = [await addServer(), await addServer(), await addServer()];
      for (const server of servers) await done('link', application, server);
      const found: number[] = [];
      for (const page of [1, 2]) {
        const path = `/resource-links/application/${application[1]}?page=${page}&per_page=2`;
        const { headers, body } = await work.api.request<Link[]>('GET', path);
        assert.match(headers.get('link') ?? '', /page=2&per_page=2>; rel="last"/);
        found.push(...body.map(({ resource_id }) => resource_id));
      }
      assert.deepEqual(
        found.toSorted((a, b) => a - b),
        servers.map(([, id]) => id),
      );
    });

    test('two of a kind cannot be linked, nor what lies in two environments', async () => {
      const [application, server] = [await addApplication(), await addServer()];
      const [far, farther] = [await addServer(elsewhere), await addApplication(elsewhere)];
      for (const [one, other, field] of [
        [application, await addApplication(), 'child_type'],
        [server, await addServer(), 'child_type'],
        [application, far, 'child_id'],
        [far, application, 'child_id'],
        [server, farther, 'child_id'],
      ] as const) {
        const { status, body } = await call('link', one, other);
        assert.equal(status, 422, JSON.stringify(body));
        assert.deepEqual(
          body.errors?.map((error) => error.field),
          [field],
        );
      }
      assert.deepEqual(await linked(application), []);
      assert.deepEqual(await linked(far), []);
    });

    test('what is not there cannot be linked or listed, at either end', async () => {
      const [application, server] = [await addApplication(), await addServer()];
      for (const verb of ['link', 'unlink'] as const) {
        assert.equal((await call(verb, application, ['server', 999_999])).status, 404);
        assert.equal((await call(verb, ['application', 999_999], server)).status, 404);
      }
      for (const path of ['/resource-links/application/999999', '/resource-links/daemon/1']) {
        assert.equal((await work.api.request('GET', path)).status, 404, path);
      }
    });

    test('what belongs to another organization is not found, at either end', async () => {
      const { api } = work;
      const at = async <Made = { id: number }>(path: string, body: object) =>
        await api.post<Made>(path, body);
      const organization = await at('/organizations', { name: 'theirs' });
      const project = await at(`/organizations/${organization.id}/projects`, { name: 'theirs' });
      const environment = await at(`/projects/${project.id}/environments`, {
        type: 'staging',
        name: 'theirs',
      });
      const theirs = { ...work, environmentId: environment.id };
      const [application, server] = [await addApplication(theirs), await addServer(theirs)];
      const { id: roleId } = await at(`/organizations/${organization.id}/roles`, {
        name: 'linker',
        permissions: ['application:read', 'application:update'],
      });
      const team = await at(`/organizations/${organization.id}/teams`, { name: 'linkers' });
      await api.post(`/organizations/${organization.id}/teams/${team.id}/link`, { role_id: roleId });
      const { api: neighbour } = await joinTeam(work, team.id);

      const ours = [await addApplication(), await addServer()] as const;
      await done('link', ...ours);
      for (const verb of ['link', 'unlink'] as const) {
        for (const [one, other] of [
          [ours[0], ours[1]],
          [application, ours[1]],
          [ours[1], application],
          [server, ours[0]],
        ] as const) {
          assert.equal((await call(verb, one, other, neighbour)).status, 404);
        }
      }
      assert.equal((await neighbour.request('GET', `/resource-links/server/${ours[1][1]}`)).status, 404);
      assert.deepEqual(await linked(ours[0]), [ours[1]]);
      await done('link', application, server, neighbour);
      await done('unlink', server, application, neighbour);
    });

    test('an application runs on the servers that it is linked to, and fails while none can be reached', async () => {
      const [application, one, two] = [await addApplication(), await addServer(), await addServer()];
      const pipelineId = await createPipeline(work, { id: application[1] }, ['true']);
      const run = async () => {
        const { id } = await work.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`);
        const action = await untilAction(work, id);
        const targets = action['targets'] as {
          resource_type: string;
          resource_id: number;
          resource_data: { hostname: string };
        }[];
        return { action, targets };
      };
      await done('link', application, one);
      await done('link', two, application);
      const { action, targets } = await run();
      assert.equal(action.status, 'failed');
      assert.deepEqual(
        targets.map(({ resource_id }) => resource_id),
        [one[1], two[1]],
      );
      for (const { resource_data } of targets) {
        const { hostname } = resource_data;
        assert.match(
          action.status_reason_human_readable,
          new RegExp(`Step 1 on ${hostname}: .*(no known host name|cannot be reached|does not answer)`),
        );
      }
      await done('unlink', application, one);
      await done('unlink', application, two);
      const alone = await run();
      assert.equal(alone.action.status, 'completed', alone.action.status_reason_human_readable);
      assert.deepEqual(
        alone.targets.map(({ resource_data }) => resource_data.hostname),
        ['local'],
      );
    });

    test('servers named at the creation of an application are linked to it; of others each is told', async () => {
      const [one, two, far] = [await addServer(), await addServer(), await addServer(elsewhere)];
      const create = (...servers: number[]) =>
        work.api.request<Refusal & { id: number; servers: { id: number }[] }>(
          'POST',
          `/environments/${work.environmentId}/applications`,
          {
            name: `app-${randomUUID()}`,
            repository: 'octocat/hello-world',
            linked_resources: servers.map((id) => ({ resource_type: 'server', resource_id: id })),
          },
        );
      const { status, body } = await create(one[1], two[1], one[1]);
      assert.equal(status, 201, JSON.stringify(body));
      assert.deepEqual(
        body.servers.map(({ id }) => id),
        [one[1], two[1]],
      );
      assert.deepEqual(await linked(['application', body.id]), [one, two]);
      const refused = await create(one[1], far[1], 999_999);
      assert.equal(refused.status, 422);
      assert.deepEqual(
        refused.body.errors?.map(({ field }) => field),
        ['linked_resources.1.resource_id', 'linked_resources.2.resource_id'],
      );
    });

    test('a server that is deleted is linked to nothing any more', async () => {
      const [application, server] = [await addApplication(), await addServer()];
      await done('link', application, server);
      await work.api.delete(`/servers/${server[1]}`);
      assert.deepEqual(await linked(application), []);
      assert.deepEqual(await serversOf(application), []);
    });
  });
}
