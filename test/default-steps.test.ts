import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import { createApplication, openWorkplace } from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';

type Step = {
  id: number;
  name: string;
  command: string;
  trigger_order: number;
  is_default_step: boolean;
  is_auto_generated: boolean;
  after_activation: boolean;
};

for (const kind of databaseKinds) {
  describe(`the default steps of a deploy pipeline (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let work: Workplace;
    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      work = await openWorkplace(ends.adopt(await startServer({ database }), (started) => started.stop()));
    });

    const addPipeline = async (owner: string, fields: object = {}) =>
      await work.api.request<{ id: number; default_steps: boolean }>('POST', `/pipelines/${owner}`, {
        name: 'Deploy',
        operation: 'deploy',
        ...fields,
      });
    async function deployPipeline(
      application: Record<string, unknown> = {},
      fields: object = {},
    ): Promise<number> {
      const { id } = await createApplication(work, application);
      return (await addPipeline(`application/${id}`, fields)).body.id;
    }
    const stepsOf = async (id: number) => (await work.api.get<{ steps: Step[] }>(`/pipelines/${id}`)).steps;
    const names = async (id: number) => (await stepsOf(id)).map(({ name }) => name);

    test('are shown in their order around its own, and flagged', async () => {
      const steps = [
        { name: 'one', command: 'true' },
        { name: 'late', command: 'true', after_activation: true },
        { name: 'two', command: 'true' },
      ];
      const plain = await deployPipeline({}, { steps });
      assert.deepEqual(
        (await stepsOf(plain)).map((step) => [
          step.name,
          step.is_default_step,
          step.after_activation,
          step.trigger_order,
        ]),
        [
          ['Fetch the source', true, false, 0],
          ['one', false, false, 1],
          ['two', false, false, 3],
          ['Activate the release', true, false, 4],
          ['late', false, true, 2],
          ['Remove old releases', true, true, 4],
        ],
      );
      const ids = (await stepsOf(plain)).map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      for (const step of await stepsOf(plain)) assert.equal(step.id < 0, step.is_default_step);
    });

    test('install and build only where the application has commands for it', async () => {
      const both = await deployPipeline({
        install_dependencies_command: 'npm ci',
        build_command: 'npm run build',
      });
      assert.deepEqual(await names(both), [
        'Fetch the source',
        'Install dependencies',
        'Build',
        'Activate the release',
        'Remove old releases',
      ]);
      assert.deepEqual(
        (await stepsOf(both)).slice(1, 3).map(({ command }) => command),
        ['npm ci', 'npm run build'],
      );
      const building = await deployPipeline({ build_command: 'make' });
      assert.equal((await names(building)).includes('Install dependencies'), false);
      assert.equal((await names(building)).includes('Build'), true);
    });

    test('cannot be changed, linked or taken out, and the answer says so', async () => {
      const id = await deployPipeline({ build_command: 'make' });
      for (const step of await stepsOf(id)) {
        const path = `/pipelines/${id}/steps/${step.id}`;
        for (const [method, address, body] of [
          ['PUT', path, { command: 'false' }],
          ['POST', `${path}/link`, undefined],
          ['DELETE', `${path}/unlink`, undefined],
        ] as const) {
          const { status, body: answer } = await work.api.request(method, address, body);
          assert.equal(status, 422, method);
          assert.match(
            JSON.stringify(answer),
            /names a default step, which cannot be changed, linked or taken out/,
          );
        }
      }
      assert.equal((await names(id)).length, 4);
    });

    test('leave the order of its own steps to whoever orders them', async () => {
      const id = await deployPipeline(
        {},
        { steps: ['a', 'b', 'c'].map((name) => ({ name, command: 'true' })) },
      );
      const own = async () => (await stepsOf(id)).filter((step) => !step.is_default_step);
      const [a, , c] = await own();
      await work.api.put(`/pipelines/${id}/steps/${c!.id}`, { command: 'true', trigger_after: 0 });
      await work.api.put(`/pipelines/${id}/steps/${a!.id}`, { command: 'true', trigger_after: 3 });
      assert.deepEqual(await names(id), [
        'Fetch the source',
        'c',
        'b',
        'a',
        'Activate the release',
        'Remove old releases',
      ]);
      await work.api.post(`/pipelines/${id}/steps`, { name: 'd', command: 'true' });
      await work.api.delete(`/pipelines/${id}/steps/${c!.id}/unlink`);
      await work.api.post(`/pipelines/${id}/steps/${c!.id}/link`);
      assert.deepEqual(
        (await own()).map(({ name }) => name),
        ['b', 'a', 'd', 'c'],
      );
    });

    test('are for the deploy pipelines of applications alone', async () => {
      const { id } = await createApplication(work);
      const server = await work.api.post<{ id: number }>(`/environments/${work.environmentId}/servers`, {
        hostname: 'machine',
      });
      for (const [owner, operation] of [
        [`application/${id}`, 'restart'],
        [`server/${server.id}`, 'deploy'],
      ] as const) {
        const refused = await addPipeline(owner, { operation, default_steps: true });
        assert.equal(refused.status, 422);
        assert.match(
          JSON.stringify(refused.body),
          /default_steps.*are for the deploy pipelines of applications/,
        );
        const made = await addPipeline(owner, { operation });
        assert.equal(made.status, 201);
        assert.equal(made.body.default_steps, false);
        assert.deepEqual(await stepsOf(made.body.id), []);
        const path = `/pipelines/${made.body.id}`;
        assert.equal((await work.api.request('PUT', path, { default_steps: true })).status, 422);
        assert.equal((await work.api.request('PUT', path, { default_steps: false })).status, 204);
      }
    });

    test('can be switched off and on', async () => {
      const id = await deployPipeline({}, { steps: [{ name: 'own', command: 'true' }] });
      const all = await names(id);
      await work.api.put(`/pipelines/${id}`, { default_steps: false });
      assert.deepEqual(await names(id), ['own']);
      await work.api.put(`/pipelines/${id}`, { name: 'Renamed' });
      assert.deepEqual(await names(id), ['own']);
      await work.api.put(`/pipelines/${id}`, { default_steps: true });
      assert.deepEqual(await names(id), all);
    });

    test('fetch from a repository whose address holds no password', async () => {
      const path = `/environments/${work.environmentId}/applications`;
      const body = { name: 'with a password', repository: 'https://ada:s3cret@git.example.com/acme/web.git' };
      const created = await work.api.request('POST', path, body);
      const { id } = await createApplication(work);
      const changed = await work.api.request('PUT', `/applications/${id}`, { repository: body.repository });
      for (const { status, body: answer } of [created, changed]) {
        assert.equal(status, 422);
        assert.match(JSON.stringify(answer), /must not hold a password/);
        assert.doesNotMatch(JSON.stringify(answer), /s3cret/);
      }
    });
  });
}
