import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import { createApplication, createPipeline, openWorkplace, untilAction } from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { readStream } from './support/recovery-table.ts';
import { createWorld, untilRan } from './support/recovery-world.ts';
import type { World } from './support/recovery-world.ts';
import type { TcpProxy } from './support/tcp-proxy.ts';

/** Shorter than the lease. */
const outageMs = 2000;
const lineCount = 400;
const everyLine = Array.from({ length: lineCount }, (_, index) => `line ${index + 1}\n`).join('');
/** Takes longer than an outage that begins in its midst. */
const talking = `for i in {1..${lineCount}}; do echo "line $i"; sleep 0.01; done`;

async function worldFor(t: TestContext, factor = 1): Promise<World & { proxy: TcpProxy }> {
  const ends = new AsyncDisposableStack();
  t.after(() => ends.disposeAsync());
  const world = await createWorld(ends, { kind: 'postgres', factor, places: 8 });
  return Object.assign(world, { proxy: world.proxy ?? assert.fail('no proxy') });
}

async function begin(work: Workplace, commands: string[], fields: object = {}): Promise<number> {
  const pipelineId = await createPipeline(work, await createApplication(work), commands, { ...fields });
  return (await work.api.post<TestAction>(`/pipelines/${pipelineId}/actions`)).id;
}

async function logOf(world: World, id: number): Promise<string> {
  const text = String(await world.work.api.get(`/actions/${id}/logs`));
  // Without the headings of the steps.
  return text.replaceAll(/^==> .*\n/gm, '');
}

/** The whole log, from each of the places that tell it, and no number of the stream missing or twice. */
async function assertWhole(world: World, id: number): Promise<void> {
  assert.equal(await logOf(world, id), `${everyLine}second\n`);
  const events = await readStream(world, id);
  const told = events.filter(({ type }) => type === 'log').map(({ data }) => data.content);
  assert.equal(told.join(''), `${everyLine}second\n`);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  );
}

describe('a run whose database', { concurrency: 3, timeout: 600_000 }, () => {
  for (const { name, cut, mend } of [
    {
      name: 'refuses',
      cut: (proxy: TcpProxy) => proxy.refuse(),
      mend: (proxy: TcpProxy) => proxy.accept(),
    },
    {
      name: 'does not answer',
      cut: (proxy: TcpProxy) => proxy.freeze(),
      mend: (proxy: TcpProxy) => proxy.thaw(),
    },
  ]) {
    test(`${name} for two seconds goes on, and nothing of its log is lost or told twice`, async (t) => {
      const world = await worldFor(t);
      const id = await begin(world.work, [talking, `${world.noteRan('2')}; echo second`]);
      await until(async () => (await logOf(world, id)).includes('line 50\n'), 'it to talk');
      cut(world.proxy);
      await delay(outageMs);
      mend(world.proxy);
      const { status, status_reason_human_readable } = await untilAction(world.work, id);
      assert.equal(status, 'completed', status_reason_human_readable);
      await assertWhole(world, id);
      assert.equal((await world.ran()).length, 1);
    });
  }

  test('takes its writes but loses the answers goes on, and writes nothing twice', async (t) => {
    const world = await worldFor(t);
    const id = await begin(world.work, [talking, `${world.noteRan('2')}; echo second`]);
    await until(async () => (await logOf(world, id)).includes('line 20\n'), 'it to talk');
    // Every fifth of the commits after something was added to the stream of an action.
    const adding = new Set<number>();
    let commits = 0;
    let lost = 0;
    world.proxy.loseAnswers((sent, connection) => {
      const text = sent.toString('latin1');
      if (text.includes('insert into "action_stream"')) adding.add(connection);
      if (!/\bcommit\b/.test(text) || !adding.delete(connection)) return false;
      const isLost = ++commits % 5 === 0;
      if (isLost) lost++;
      return isLost;
    });
    const { status, status_reason_human_readable } = await untilAction(world.work, id);
    world.proxy.loseAnswers(() => false);
    t.diagnostic(`${lost} of ${commits} answers were lost`);
    assert.ok(lost >= 3);
    assert.equal(status, 'completed', status_reason_human_readable);
    await assertWhole(world, id);
    assert.equal((await world.ran()).length, 1);
  });

  test('loses the answer to everything that is written of it once still ends once, completed', async (t) => {
    const world = await worldFor(t);
    const id = await begin(world.work, [
      `until [ -e ${world.folder}/released ]; do sleep 0.1; done; echo 1`,
      'echo 2',
    ]);
    await untilAction(world.work, id, ['in-progress']);
    const adding = new Set<number>();
    let lost = 0;
    world.proxy.loseAnswers((sent, connection) => {
      const text = sent.toString('latin1');
      if (text.includes('insert into "action_stream"')) adding.add(connection);
      if (!/\bcommit\b/.test(text) || !adding.delete(connection)) return false;
      // What is then tried again finds it done, and adds nothing.
      lost++;
      return true;
    });
    await world.release();
    const { status, status_reason_human_readable } = await untilAction(world.work, id);
    world.proxy.loseAnswers(() => false);
    assert.ok(lost >= 4, `${lost} were lost`);
    assert.equal(status, 'completed', status_reason_human_readable);
    assert.equal(await logOf(world, id), '1\n2\n');
    const ends = (await readStream(world, id)).filter(
      ({ type, data }) => type === 'action' && data.status === 'completed',
    );
    assert.equal(ends.length, 1);
  });
});

describe('a node that was cut off', { concurrency: 2, timeout: 600_000 }, () => {
  /** As on a machine of its own: nothing by which a node beside it could find the processes. */
  const hidden = (script: string, world: World) => {
    const keep = `env -i PATH="$PATH" HOOKLINE_ACTION_ID="$HOOKLINE_ACTION_ID" HOOKLINE_TARGET=local`;
    return `[ -z "\${HOOKLINE_RUN_ID:-}" ] || exec ${keep} bash "$0"\n${world.noteRan('1')}\n${script}`;
  };

  test('has ended what it ran, be it deaf to TERM, before another says so', async (t) => {
    const world = await worldFor(t);
    const step = hidden(`trap '' TERM; ${world.waitForRelease}`, world);
    const id = await begin(world.work, [step, world.noteRan('2')]);
    await untilRan(world, id, '1');
    const pid = (await world.ran())[0]!.pid;
    world.proxy.refuse();
    await world.start('another');
    const goneAt = (async () => {
      await until(async () => !isAlive(pid), 'the process to be gone');
      return Date.now();
    })();
    const action = await untilAction(world.work, id);
    assert.match(action.status_reason_human_readable, /^The node that ran it ended, or was cut off/);
    const saidAt = Date.parse(String(action['completed_at'] ?? action['updated_at']));
    assert.ok((await goneAt) <= saidAt, `${(await goneAt) - saidAt} ms too late`);
    assert.deepEqual(
      (await world.ran()).map(({ step: ran }) => ran),
      ['1'],
    );
  });

  test('by its suspension begins no step when it is back, ends what runs, and works on under a new name', async (t) => {
    const world = await worldFor(t, 4);
    const first = world.node;
    const go = join(world.folder, 'go');
    const short = `until [ -e ${go} ]; do sleep 0.1; done; ${world.noteRan('1-ends')}`;
    const ending = await begin(world.work, [hidden(short, world), world.noteRan('2')]);
    const staying = await begin(world.work, [
      hidden(`trap '' TERM; ${world.waitForRelease}`, world),
      world.noteRan('2'),
    ]);
    await untilRan(world, ending, '1');
    await untilRan(world, staying, '1');
    const pidOf = async (id: number) => (await world.ran()).find(({ actionId }) => actionId === id)!.pid;
    process.kill(first.pid, 'SIGSTOP');
    await world.start('another');
    for (const id of [ending, staying]) assert.equal((await untilAction(world.work, id)).status, 'failed');
    // Its step comes to its end by itself while nobody looks.
    await writeFile(go, '');
    await untilRan(world, ending, '1-ends');
    assert.ok(isAlive(await pidOf(staying)), 'what only the suspended machine could end');
    process.kill(first.pid, 'SIGCONT');
    const left = await pidOf(staying);
    await until(async () => !isAlive(left), 'the process to be ended');

    const back = await openWorkplace(first);
    const next = await begin(back, [world.noteRan('next')]);
    assert.equal((await untilAction(back, next)).status, 'completed');
    const ran = (await world.ran()).map(({ actionId, step }) => `${actionId} ${step}`);
    assert.deepEqual(ran.toSorted(), [`${ending} 1`, `${ending} 1-ends`, `${staying} 1`, `${next} next`]);
    for (const id of [ending, staying]) {
      const { status_reason_human_readable } = await untilAction(world.work, id);
      assert.match(status_reason_human_readable, /^The node that ran it ended, or was cut off/);
    }
  });
});
