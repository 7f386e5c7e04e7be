import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { DatabaseKind } from './support/database.ts';
import { everyChange, openEvents } from './support/event-writer.ts';
import type { EventPipeline } from './support/event-writer.ts';
import { createApplication, createOutgoingHook, createPipeline } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import { startReceiver } from './support/receiver.ts';
import type { Behave, Receiver } from './support/receiver.ts';

for (const kind of databaseKinds) {
  // With a clock that stands still no waiting in the program ends by itself, and none can hide a lost signal.
  describe(`a hook whose receiver is well (${kind})`, { timeout: 600_000 }, () => {
    for (const { holes, actionsEach } of [
      { holes: 20, actionsEach: 10 },
      // With four requests each, more than a node claims at a time.
      { holes: 150, actionsEach: 4 },
    ]) {
      test(`gets its 200 events while ${holes} others swallow every request`, async (t) => {
        const { clock, events, receiverFor, hookTo } = await prepare(t, kind);
        const hole = await receiverFor(() => ({ kind: 'hang' }));
        const well = await receiverFor();
        const blackHoles: EventPipeline[] = [];
        for (let index = 0; index < holes; index++) blackHoles.push(await hookTo(hole));
        const healthy = await hookTo(well);

        const since = clock.now();
        await events.begin(Array.from({ length: actionsEach }, () => blackHoles).flat());
        await clock.advance(1000);
        await hole.waitFor(64, 'the black holes to fill the places of the node');
        const ids = await events.begin(Array.from({ length: 50 }, () => healthy));
        await events.advance(ids, 'in-progress');
        await events.advance(ids, 'completed');
        const areHere = async (): Promise<boolean> => {
          const before = well.requests.length;
          await delay(100);
          // Time passes only where nothing goes on without it.
          const isStuck = well.requests.length === before && before < 200;
          if (isStuck && clock.now() - since < 14_000) await clock.advance(250);
          return well.requests.length >= 200;
        };
        await until(areHere, 'the 200 events').catch((cause: unknown) => {
          throw new Error(`${well.requests.length} came while ${hole.requests.length} hang`, { cause });
        });
        const took = clock.now() - since;
        t.diagnostic(`all within ${took} ms of its clock, while ${hole.requests.length} requests hang`);
        assert.equal(well.requests.length, 200);
        assert.ok(took < 15_000, 'before any of the others was given up');
      });
    }

    test('does not wait for what others have waiting, however much they get through', async (t) => {
      const { clock, events, receiverFor, hookTo } = await prepare(t, kind);
      const busy = await receiverFor(() => ({ kind: 'answer', status: 200, delayMs: 40 }));
      const well = await receiverFor();
      const others: EventPipeline[] = [];
      for (let index = 0; index < 12; index++) others.push(await hookTo(busy));
      const healthy = await hookTo(well);
      await events.begin(Array.from({ length: 250 }, () => others).flat());
      await clock.advance(1000);
      // By now as much is claimed ahead as may be.
      await busy.waitFor(1000, 'the others to be under way');
      await events.begin(Array.from({ length: 10 }, () => healthy));
      const before = busy.requests.length;
      await clock.advance(1000);
      await well.waitFor(20, 'the events of the hook that is well');
      const meanwhile = busy.requests.length - before;
      t.diagnostic(`${meanwhile} of ${12 * 500 - before} others came first`);
      assert.ok(meanwhile < 1000, `${meanwhile} others came first`);
    });
  });
}

async function prepare(t: TestContext, kind: DatabaseKind) {
  const ends = new AsyncDisposableStack();
  t.after(() => ends.disposeAsync());
  const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
  const app = ends.adopt(await startInProcessApp({ database }), (started) => started.stop());
  const events = ends.adopt(await openEvents(database, app.clock, app), (opened) => opened.close());
  const application = await createApplication(app);
  return {
    clock: app.clock,
    events,
    receiverFor: async (behave?: Behave): Promise<Receiver> =>
      ends.adopt(await startReceiver({ behave }), (receiver) => receiver.close()),
    hookTo: async (receiver: Receiver): Promise<EventPipeline> => {
      const id = await createPipeline(app, application);
      await createOutgoingHook(app, id, receiver.url, everyChange);
      return { id, applicationId: application.id };
    },
  };
}
