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
import { githubPayload } from './support/github.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';
import { startReceiver } from './support/receiver.ts';

type Overview = {
  since: string;
  running: number;
  running_actions: { id: number }[];
  failed: number;
  failed_actions: { id: number; status_reason_human_readable: string }[];
  hours: {
    starts_at: string;
    actions: number;
    failed_actions: number;
    requests: number;
    accepted_requests: number;
  }[];
  waiting_deliveries: number;
  failed_deliveries: number;
  hooks: { id: string; name: string; active: boolean; failed_deliveries: number; last_failure: string }[];
};

const hourMs = 3_600_000;

for (const kind of databaseKinds) {
  describe(`the overview of an environment on ${kind}`, () => {
    let database: TestDatabase;
    let app: InProcessApp;
    before(async () => {
      database = await createTestDatabase(kind);
      app = await startInProcessApp({ database });
    });
    after(async () => {
      await app?.stop();
      await database?.drop();
    });
    const read = () => app.api.get<Overview>(`/environments/${app.environmentId}/overview`);
    const counts = ({ hours }: Overview) =>
      hours
        .map(({ actions, failed_actions, requests, accepted_requests }) => ({
          actions,
          failed_actions,
          requests,
          accepted_requests,
        }))
        .slice(-2);
    const nothing = { actions: 0, failed_actions: 0, requests: 0, accepted_requests: 0 };

    test('shows what runs and what waits for its place', async () => {
      const application = await createApplication(app);
      const pipeline = await createPipeline(app, application, ['sleep 60'], { max_parallel_actions: 1 });
      const ids: number[] = [];
      for (let index = 0; index < 2; index++)
        ids.push((await app.api.post<{ id: number }>(`/pipelines/${pipeline}/actions`, {})).id);
      await untilAction(app, ids[0]!, ['in-progress']);
      await untilAction(app, ids[1]!, ['waiting']);
      const overview = await read();
      assert.equal(overview.running, 2);
      assert.deepEqual(overview.running_actions.map(({ id }) => id).sort(), ids);
      for (const id of ids.toReversed()) await app.api.post(`/actions/${id}/cancel`, {});
      await untilAction(app, ids[0]!);
      assert.equal((await read()).running, 0);
    });

    test('counts hour by hour what came and what ran, for a day', async (t) => {
      // Away from what the test before has left.
      await app.clock.jump(hourMs);
      const empty = await read();
      assert.equal(empty.hours.length, 24);
      assert.deepEqual(counts(empty)[1], nothing);
      const failedBefore = empty.failed;
      const receiver = await startReceiver({ behave: () => ({ kind: 'answer', status: 404 }) });
      t.after(() => receiver.close());
      const application = await createApplication(app);
      const pipeline = await createPipeline(app, application, ['echo no >&2; exit 3']);
      const hook = await createIncomingHook(app, pipeline, {
        secret_algorithm: 'sha256',
        secret_header_name: 'x-hub-signature-256',
        trigger_when: { conditions: [{ path: 'ref', accepted_values: ['refs/heads/main'] }] },
      });
      const outgoing = await createOutgoingHook(app, pipeline, receiver.url, {
        trigger_when: { events: ['action.failed'] },
      });
      await app.api.post(`/pipelines/${pipeline}/hooks/incoming`, { name: 'Off', active: false });

      const push = { ...githubPayload('push'), ref: 'refs/heads/main' };
      const { body } = await sendSigned(app, hook, JSON.stringify(push));
      await sendSigned(app, hook, JSON.stringify({ ...push, ref: 'refs/heads/other' }));
      await untilAction(app, body.action_id!);
      const first = await until(async () => {
        const overview = await read();
        return overview.failed_deliveries === 1 && overview;
      }, 'the delivery to be rejected');
      const thisHour = { actions: 1, failed_actions: 1, requests: 2, accepted_requests: 1 };
      assert.deepEqual(counts(first)[1], thisHour);
      assert.equal(first.failed, failedBefore + 1);
      assert.match(first.failed_actions[0]!.status_reason_human_readable, /3/);
      assert.deepEqual(
        first.hooks.map(({ name, active }) => [name, active]).sort(),
        [
          ['Off', false],
          ['out', true],
        ].sort(),
      );
      assert.equal(first.hooks.find(({ id }) => id === outgoing)?.failed_deliveries, 1);

      await app.clock.jump(hourMs);
      assert.deepEqual(counts(await read()), [thisHour, nothing]);
      await app.clock.jump(24 * hourMs);
      const later = await read();
      assert.deepEqual(later.hours.filter(({ actions, requests }) => actions + requests > 0).length, 0);
      assert.equal(later.failed, 0);
    });
  });
}
