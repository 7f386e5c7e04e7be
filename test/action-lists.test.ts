import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import {
  createApplication,
  createPipeline,
  joinTeam,
  openWorkplace,
  untilAction,
} from './support/fixtures.ts';
import type { TestApplication, Workplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';

type Listed = { id: number; status: string; type: string; resource: { id: number; type: string } };

for (const kind of databaseKinds) {
  describe(`lists of actions (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let work: Workplace;
    let elsewhere: Workplace;
    let shop: TestApplication;
    let blog: TestApplication;
    let machine: number;
    let pipelines: { deploy: number; stop: number; blog: number; machine: number; elsewhere: number };
    /** By what is different about them, in the order in which they were started. */
    let ids: Record<
      'deployed' | 'failed' | 'deployedAgain' | 'blog' | 'onMachine' | 'ofMachine' | 'elsewhere',
      number
    >;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      const { api, organizationId } = work;
      const idOf = async (path: string, body: object): Promise<number> =>
        (await api.post<{ id: number }>(path, body)).id;
      const projectId = await idOf(`/organizations/${organizationId}/projects`, { name: 'elsewhere' });
      const environment = { type: 'staging', name: 'elsewhere' };
      const environmentId = await idOf(`/projects/${projectId}/environments`, environment);
      elsewhere = { ...work, projectId, environmentId };

      /** The pipeline that a server came with, made to succeed. */
      const stopPipelineOf = async (id: number): Promise<number> => {
        const listed = await work.api.get<{ id: number; operation: string }[]>(`/pipelines/server/${id}`);
        const stop = listed.find(({ operation }) => operation === 'stop')!;
        const { steps } = await work.api.get<{ steps: { id: number }[] }>(`/pipelines/${stop.id}`);
        await work.api.put(`/pipelines/${stop.id}/steps/${steps[0]!.id}`, { command: 'true' });
        return stop.id;
      };
      shop = await createApplication(work);
      blog = await createApplication(work);
      machine = await idOf(`/environments/${work.environmentId}/servers`, { hostname: 'machine' });
      pipelines = {
        deploy: await createPipeline(work, shop),
        stop: await createPipeline(work, shop, ['false'], { operation: 'stop' }),
        blog: await createPipeline(work, blog),
        machine: await stopPipelineOf(machine),
        elsewhere: await createPipeline(elsewhere, await createApplication(elsewhere)),
      };
      const run = async (pipelineId: number, body?: object): Promise<number> => {
        const id = await idOf(`/pipelines/${pipelineId}/actions`, body ?? {});
        await untilAction(work, id);
        return id;
      };
      ids = {
        deployed: await run(pipelines.deploy),
        failed: await run(pipelines.stop),
        deployedAgain: await run(pipelines.deploy),
        blog: await run(pipelines.blog),
        // Fails, since nothing runs on servers; it was its target all the same.
        onMachine: await run(pipelines.blog, { servers: [machine] }),
        ofMachine: await run(pipelines.machine),
        elsewhere: await run(pipelines.elsewhere),
      };
    });

    const get = (path: string, api: ApiClient = work.api) => api.request<Listed[]>('GET', path);
    /** The names of the actions that a list holds, the newest first. */
    const named = async (path: string, api: ApiClient = work.api): Promise<string[]> => {
      const { status, body } = await get(path, api);
      assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
      return body.map(({ id }) => Object.entries(ids).find(([, one]) => one === id)?.[0] ?? `action ${id}`);
    };
    const all = ['elsewhere', 'ofMachine', 'onMachine', 'blog', 'deployedAgain', 'failed', 'deployed'];
    const here = all.slice(1);

    test('each place, pipeline and resource has its own, the newest first', async () => {
      assert.deepEqual(await named('/actions'), all);
      assert.deepEqual(await named(`/environments/${work.environmentId}/actions`), here);
      assert.deepEqual(await named(`/environments/${elsewhere.environmentId}/actions`), ['elsewhere']);
      assert.deepEqual(await named(`/pipelines/${pipelines.deploy}/actions`), ['deployedAgain', 'deployed']);
      assert.deepEqual(await named(`/actions/application/${shop.id}`), [
        'deployedAgain',
        'failed',
        'deployed',
      ]);
      assert.deepEqual(await named(`/actions/server/${machine}`), ['ofMachine']);
    });

    test('a kind of resource has its own within an environment and within a project', async () => {
      for (const place of [`/environments/${work.environmentId}`, `/projects/${work.projectId}`]) {
        assert.deepEqual(
          await named(`${place}/actions/application`),
          here.filter((name) => name !== 'ofMachine'),
        );
        assert.deepEqual(await named(`${place}/actions/server`), ['ofMachine']);
      }
      assert.deepEqual(await named(`/projects/${elsewhere.projectId}/actions/application`), ['elsewhere']);
      assert.deepEqual(await named(`/projects/${elsewhere.projectId}/actions/server`), []);
    });

    test('a target lists what ran on it, whatever it was done for', async () => {
      assert.deepEqual(await named(`/actions/targets/server/${machine}`), ['onMachine']);
      assert.deepEqual(await named(`/actions/targets/server/${machine}?status=completed`), []);
      assert.deepEqual(await named(`/actions/targets/application/${shop.id}`), []);
    });

    test('kinds of the reference that Hookline has none of are empty, and any other is refused by name', async () => {
      for (const place of [`/environments/${work.environmentId}`, `/projects/${work.projectId}`]) {
        for (const type of ['network', 'ssl-certificate', 'cronjob', 'deployment', 'virtual-host']) {
          assert.deepEqual(await named(`${place}/actions/${type}`), [], type);
        }
        for (const type of ['applications', 'nonsense', 'pipeline', '1']) {
          const { status, body } = await get(`${place}/actions/${type}`);
          assert.equal(status, 422, type);
          assert.match(JSON.stringify(body), /resource_type.*must be one of application, server/);
        }
      }
      assert.deepEqual(await named(`/actions/credential/${shop.credentialId}`), []);
      assert.deepEqual(await named('/actions?resource_type=subnet'), []);
      for (const path of ['/actions/network/1', '/actions/nonsense/1', '/actions/targets/nonsense/1']) {
        assert.equal((await get(path)).status, 404, path);
      }
    });

    test('each filter works alone, plain and as the clients of the reference write it', async () => {
      const filters: [name: string, value: string | number, wanted: string[]][] = [
        ['status', 'failed', ['onMachine', 'failed']],
        ['operation', 'stop', ['ofMachine', 'failed']],
        ['resource_type', 'server', ['ofMachine']],
        ['resource_id', shop.id, all.filter((name) => isOf(name, shop.id))],
        ['environment_id', elsewhere.environmentId, ['elsewhere']],
        ['project_id', work.projectId, here],
        ['organization_id', work.organizationId, all],
        ['pipeline_id', pipelines.deploy, ['deployedAgain', 'deployed']],
        ['trigger_type', 'manual', all],
        ['trigger_type', 'hook', []],
        ['created_from', '2020-01-01T00:00:00Z', all],
        ['created_to', '2020-01-01T00:00:00.000%2B02:00', []],
        ['search', blog.name.toUpperCase(), ['onMachine', 'blog']],
        ['search', 'MACHIN', all.filter((name) => name === 'ofMachine' || name === 'onMachine')],
        ['search', '%25', []],
        ['search', 'source_ref', []],
      ];
      for (const [name, value, wanted] of filters) {
        for (const query of [
          `${name}=${value}`,
          `filter[${name}]=${value}`,
          `filter%5B${name}%5D=${value}`,
        ]) {
          assert.deepEqual(await named(`/actions?${query}`), wanted, query);
        }
      }
    });
    /** Servers and applications are counted apart, so an id alone may mean one of each. */
    const isOf = (name: string, id: number): boolean => {
      if (name === 'elsewhere') return false;
      if (name === 'ofMachine') return machine === id;
      return (name === 'blog' || name === 'onMachine' ? blog.id : shop.id) === id;
    };

    test('filters are all met together, on every list', async () => {
      const ofShop = `filter[resource_type]=application&filter[resource_id]=${shop.id}`;
      assert.deepEqual(await named(`/actions?${ofShop}&status=completed&operation=deploy`), [
        'deployedAgain',
        'deployed',
      ]);
      assert.deepEqual(await named(`/actions?${ofShop}&status=completed&operation=stop`), []);
      for (const list of [
        `/environments/${work.environmentId}/actions`,
        `/environments/${work.environmentId}/actions/application`,
        `/projects/${work.projectId}/actions/application`,
        `/actions/application/${shop.id}`,
        `/pipelines/${pipelines.stop}/actions`,
      ]) {
        assert.deepEqual(
          await named(`${list}?filter[status]=failed&filter[operation]=stop`),
          ['failed'],
          list,
        );
      }
    });

    test('a search finds an action by its id', async () => {
      assert.deepEqual(await named(`/actions?search=%23${ids.elsewhere}`), ['elsewhere']);
    });

    test('a filter that contradicts the address finds nothing, and one that agrees changes nothing', async () => {
      const { environmentId, projectId } = work;
      const other = elsewhere.environmentId;
      assert.deepEqual(await named(`/environments/${environmentId}/actions?environment_id=${other}`), []);
      assert.deepEqual(await named(`/environments/${other}/actions?filter[project_id]=${projectId}`), []);
      assert.deepEqual(
        await named(`/environments/${environmentId}/actions/application?resource_type=server`),
        [],
      );
      assert.deepEqual(await named(`/actions/application/${shop.id}?resource_id=${blog.id}`), []);
      assert.deepEqual(
        await named(`/environments/${environmentId}/actions?environment_id=${environmentId}`),
        here,
      );
    });

    test('what no filter can be is refused, each with its name', async () => {
      const refused: [query: string, field: string][] = [
        ['status=done', 'status'],
        ['filter[status]=done', 'filter[status]'],
        ['filter%5Boperation%5D=explode', 'filter[operation]'],
        ['resource_type=nonsense', 'resource_type'],
        ['resource_id=x', 'resource_id'],
        ['resource_id=0', 'resource_id'],
        ['trigger_type=clock', 'trigger_type'],
        ['created_from=yesterday', 'created_from'],
        ['search=', 'search'],
        ['page=0', 'page'],
        ['per_page=101', 'per_page'],
      ];
      for (const [query, field] of refused) {
        const { status, body } = await get(`/actions?${query}`);
        assert.equal(status, 422, query);
        const { errors } = body as unknown as { errors: { field: string }[] };
        assert.ok(
          errors.some((error) => error.field.endsWith(field)),
          `${query}: ${JSON.stringify(errors)}`,
        );
      }
    });

    test('a filter may be as large as a number is exact', async () => {
      assert.deepEqual(await named(`/actions?resource_id=${Number.MAX_SAFE_INTEGER}`), []);
      assert.deepEqual(await named(`/actions?filter[organization_id]=${Number.MAX_SAFE_INTEGER}`), []);
    });

    test('pages of each list follow one another, and their links keep the filters', async () => {
      for (const list of ['/actions', `/projects/${work.projectId}/actions/application`]) {
        const wanted = await named(`${list}?filter[status]=completed`);
        const found: string[] = [];
        for (let path = `${list}?filter[status]=completed&page=1&per_page=1`; path !== '';) {
          const { headers } = await get(path);
          found.push(...(await named(path)));
          const link = headers.get('link') ?? '';
          assert.match(link, new RegExp(`[?&]page=${wanted.length}&per_page=1>; rel="last"`));
          path = /<\/api([^>]+)>; rel="next"/.exec(link)?.[1] ?? '';
        }
        assert.deepEqual(found, wanted);
        assert.deepEqual(await named(`${list}?page=99`), []);
      }
    });

    test('who may see one environment finds the actions of that one alone, whatever the filter', async () => {
      const { api, organizationId } = work;
      const { id: roleId } = await api.post<{ id: number }>(`/organizations/${organizationId}/roles`, {
        name: 'onlooker',
        permissions: ['action:read'],
      });
      const { id: teamId } = await api.post<{ id: number }>(`/organizations/${organizationId}/teams`, {
        name: 'onlookers',
      });
      await api.post(`/environments/${elsewhere.environmentId}/teams/${teamId}/link`, { role_id: roleId });
      const { api: onlooker } = await joinTeam(work, teamId);
      assert.deepEqual(await named('/actions', onlooker), ['elsewhere']);
      assert.deepEqual(await named(`/actions?project_id=${work.projectId}`, onlooker), []);
      assert.deepEqual(await named(`/actions?organization_id=${organizationId}`, onlooker), ['elsewhere']);
      for (const path of [
        `/environments/${work.environmentId}/actions`,
        `/projects/${work.projectId}/actions/application`,
        `/actions/application/${shop.id}`,
        `/actions/targets/server/${machine}`,
        `/pipelines/${pipelines.deploy}/actions`,
      ]) {
        assert.equal((await get(path, onlooker)).status, 404, path);
      }
      // The project around it may be seen, its actions not.
      const around = await get(`/projects/${elsewhere.projectId}/actions/application`, onlooker);
      assert.equal(around.status, 403);
    });
  });
}
