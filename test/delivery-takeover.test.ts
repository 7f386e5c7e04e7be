import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import { failAtRandom } from './support/delivery-ledger.ts';
import { prepareDeliveries } from './support/delivery-scene.ts';
import { everyChange, openEvents } from './support/event-writer.ts';
import { createApplication, createOutgoingHook, createPipeline } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import { startReceiver } from './support/receiver.ts';

describe('a node whose deliveries others have taken over', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());

  test('begins none of what it had claimed ahead when it comes back', async () => {
    const database = ends.adopt(await createTestDatabase('postgres'), (made) => made.drop());
    const start = async () => ends.adopt(await startInProcessApp({ database }), (started) => started.stop());
    const suspended = await start();
    const receiver = ends.adopt(await startReceiver(), (started) => started.close());
    const application = await createApplication(suspended);
    const id = await createPipeline(suspended, application);
    const url = `${receiver.url}/{{ action.id }}/{{ action.status }}`;
    await createOutgoingHook(suspended, id, url, everyChange);
    const events = ends.adopt(await openEvents(database, suspended.clock, suspended), (one) => one.close());
    const pipeline = { id, applicationId: application.id };

    // A receiver that has been quick is worth claiming ahead for: it answers while the clock stands still.
    const timeHasPassed = Promise.withResolvers<void>();
    receiver.setBehaviour((_request, index) =>
      index < 60 ? { kind: 'answer', status: 200, after: timeHasPassed.promise } : { kind: 'hang' },
    );
    const ids = await events.begin(Array.from({ length: 100 }, () => pipeline));
    await suspended.clock.advance(1000);
    timeHasPassed.resolve();
    await receiver.waitFor(64, 'four requests to hang');
    await until(async () => {
      const sending = events.db.selectFrom('deliveries').select('id').where('status', '=', 'sending');
      return (await sending.execute()).length > 20;
    }, 'others to be claimed ahead');

    // For the suspended node no time passes; the other sees its lease lapse.
    receiver.setBehaviour(() => ({ kind: 'answer', status: 200 }));
    const other = await start();
    await until(async () => {
      await other.clock.advance(1000);
      return new Set(receiver.requests.slice(64).map(({ path }) => path)).size >= 140;
    }, 'the other node to send everything');
    const open = events.db.selectFrom('deliveries').select('id').where('status', '!=', 'delivered');
    await until(async () => (await open.execute()).length === 0, 'all of it to be settled');
    const before = receiver.requests.length;
    await suspended.clock.jump(other.clock.now() - suspended.clock.now());
    await until(async () => /the lease lapsed/.test(suspended.log()), 'the node to notice');
    // It works on, under a new name.
    await events.begin([pipeline]);
    await suspended.clock.advance(1000);
    await receiver.waitFor(before + 2, 'what happens from now on');
    const late = receiver.requests
      .slice(before)
      .filter(({ path }) => ids.includes(Number(path.split('/')[1])));
    assert.deepEqual(
      late.map(({ path }) => path),
      [],
    );
  });
});

describe('a node that is stopped with more to send than time allows', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());

  test('waits for the answers to what it sent last, so that the next one repeats nothing', async () => {
    const behave = failAtRandom([{ share: 1, behaviour: { kind: 'answer', status: 200, delayMs: 50 } }]);
    const options = { pipelineCount: 8, hooksEach: 1, factor: 5, behave };
    const scene = await prepareDeliveries('sqlite', ends, options);
    const { ledger, events, pipelines } = scene;
    const inTurn = Array.from({ length: 800 }, (_, index) => pipelines[index % pipelines.length]!);
    const ids = await events.begin(inTurn);
    await scene.untilCount(200);
    await scene.stop(0);
    const sent = ledger.count();
    assert.ok(sent < 1600, 'there is more to send');
    await scene.start(0);
    await events.advance(ids, 'in-progress');
    await events.advance(ids, 'completed');
    await scene.untilOver();
    await scene.assertComplete(ids.map((id, index) => ({ id, pipeline: inTurn[index]! })));
    assert.deepEqual(ledger.repeats, []);
  });
});
