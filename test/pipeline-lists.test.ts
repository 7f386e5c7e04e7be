import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import { createApplication, createPipeline, openWorkplace } from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';

for (const kind of databaseKinds) {
  describe(`the pipelines of an environment (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let work: Workplace;
    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
    });

    test('are those of its applications and servers and no others, the newest first, by a part of the name', async () => {
      const { api, environmentId, projectId } = work;
      const named = async (query = '') =>
        (await api.get<{ name: string }[]>(`/environments/${environmentId}/pipelines${query}`)).map(
          ({ name }) => name,
        );
      const other = await api.post<{ id: number }>(`/projects/${projectId}/environments`, {
        type: 'staging',
        name: 'elsewhere',
      });
      const [shop, blog] = [await createApplication(work), await createApplication(work)];
      const elsewhere = await createApplication({ ...work, environmentId: other.id });
      await createPipeline(work, shop, ['true'], { name: 'Deploy 100% of it' });
      await createPipeline(work, blog, ['true'], { name: 'Restart the blog', operation: 'restart' });
      await createPipeline(work, elsewhere);
      await api.post(`/environments/${environmentId}/servers`, { hostname: 'web-1' });

      const all = await named();
      assert.deepEqual(all.slice(-2), ['Restart the blog', 'Deploy 100% of it']);
      assert.deepEqual(all.slice(0, -2).sort(), ['Get status', 'Restart', 'Start', 'Stop']);
      assert.deepEqual(await named('?filter[name]=RESTART'), ['Restart', 'Restart the blog']);
      assert.deepEqual(await named('?filter[name]=0%25'), ['Deploy 100% of it']);
      assert.equal((await named('?per_page=2&page=2')).length, 2);
    });
  });
}
