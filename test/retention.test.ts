import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds, type TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';
import { startReceiver, type Receiver } from './support/receiver.ts';

const day = 24 * 3_600_000;

for (const kind of databaseKinds) {
  describe(`after HOOKLINE_RETENTION_DAYS (${kind})`, () => {
    let database: TestDatabase;
    let app: InProcessApp;
    let receiver: Receiver;

    before(async () => {
      database = await createTestDatabase(kind);
      app = await startInProcessApp({ database, env: { HOOKLINE_RETENTION_DAYS: '7' } });
      receiver = await startReceiver();
    });
    after(async () => {
      await receiver.close();
      await app.stop();
      await database.drop();
    });

    test('requests, deliveries and output are gone, what is younger is there, and actions stay', async () => {
      const pipeline = await createPipeline(app, await createApplication(app), [
        'echo something to keep for a week',
      ]);
      const hook = await createIncomingHook(app, pipeline);
      const outgoing = await createOutgoingHook(app, pipeline, receiver.url);
      type Recorded = { id: string }[];
      const requests = () => app.api.get<Recorded>(`/hooks/incoming/${hook.id}/requests`);
      const deliveries = () => app.api.get<Recorded>(`/hooks/outgoing/${outgoing}/deliveries`);
      const output = async (id: number) => {
        const { targets } = await app.api.get<{ targets: { id: number }[] }>(`/actions/${id}`);
        const path = `/actions/${id}/targets/${targets[0]!.id}/steps/1/logs`;
        return (await app.api.get<{ step: { output: string } }>(path)).step.output;
      };
      const run = async (): Promise<number> => {
        const { body } = await sendSigned(app, hook, '{}');
        await untilAction(app, body.action_id!);
        return body.action_id!;
      };

      const old = await run();
      await receiver.waitFor(2);
      assert.match(await output(old), /something to keep/);
      await app.clock.jump(6 * day);
      const young = await run();
      await receiver.waitFor(4);
      await app.clock.jump(day + 3_600_000);
      await until(async () => (await requests()).length === 1, 'the old request to be pruned');
      await until(async () => (await deliveries()).length === 2, 'the old deliveries to be pruned');
      await until(async () => (await output(old)) === '', 'the old output to be pruned');
      assert.match(await output(young), /something to keep/);
      assert.deepEqual(
        (await app.api.get<{ id: number }[]>(`/pipelines/${pipeline}/actions`)).map(({ id }) => id),
        [young, old],
      );
    });
  });
}
