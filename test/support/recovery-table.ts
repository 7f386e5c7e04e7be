import assert from 'node:assert/strict';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseKind } from './database.ts';
import type { TestAction } from './fixtures.ts';
import { placesNeeded, states } from './recovery-states.ts';
import type { Cell, State } from './recovery-states.ts';
import { createWorld, untilStatus } from './recovery-world.ts';
import type { World } from './recovery-world.ts';

export type Fault = {
  name: string;
  kind: DatabaseKind;
  /** How much faster the nodes' clocks run. */
  factor: number;
  /** What an action that ran is ended with; null where it goes on. */
  ends: (state: State) => RegExp | null;
  /** Makes the fault, and resolves when whatever was gone is back. */
  make(world: World): Promise<void>;
  /** How long what ran may still be there when its end is told; it must be gone at once if left out. */
  lingersMs?: number;
  /** Once every action that the fault has ended is told to have ended. */
  afterwards?(world: World): Promise<void>;
};

/** Within this time of the return every end must have been told, with a lease that lasts as long as it does. */
const recoveryMs = 30_000;
const leaseMs = 15_000;

type FullAction = TestAction & {
  targets: { status: string; steps: { status: string }[] }[];
};
type Found = { action: TestAction; tookMs: number; left: number[]; live: string | null };

/** A test for each state that an action can be in when the fault comes. All states meet one fault, side by side. */
export function recoveryTable(fault: Fault): void {
  describe(fault.name, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    const cells = new Map<State, Cell>();
    const found = new Map<State, Found>();
    let world: World;
    after(() => ends.disposeAsync());

    before(async () => {
      world = await createWorld(ends, { ...fault, places: placesNeeded });
      for (const order of [1, 2, 3]) {
        const now = states.filter((state) => state.order === order);
        const begin = async (state: State) => void cells.set(state, await state.begin(world));
        if (order === 1) await Promise.all(now.map(begin));
        else for (const state of now) await begin(state);
      }
      for (const [state, cell] of cells) await state.finish?.(world, cell);
      await fault.make(world);
      const returnedAt = Date.now();
      const interrupted = [...cells].filter(([state]) => isInterrupted(fault, state));
      await Promise.allSettled(
        interrupted.map(async ([state, { id, live }]) => {
          const action = await untilStatus(world, id);
          const tookMs = Date.now() - returnedAt + leaseMs * (1 - 1 / fault.factor);
          const left = await stillThere(world, id, fault.lingersMs ?? 0);
          found.set(state, { action, tookMs, left, live: live && (await currentOf(world)) });
        }),
      );
      await world.release();
      await fault.afterwards?.(world);
    });

    for (const state of states) {
      test(state.name, async () => {
        const cell = cells.get(state) ?? assert.fail('it never came to be in that state');
        const reason = state.is === 'waiting' ? null : fault.ends(state);
        if (isInterrupted(fault, state)) {
          const { action, tookMs, left, live } = found.get(state) ?? assert.fail('it did not end');
          assert.equal(action.status, 'failed');
          assert.match(action.status_reason_human_readable, reason!);
          assert.ok(tookMs <= recoveryMs, `it took ${tookMs} ms`);
          assert.deepEqual(left, [], 'no process is left');
          assert.equal(live, cell.live, 'what is live');
          await assertConsistent(world, cell.id, 'failed');
          await assertEvents(world, cell.id, ['pending', 'queued', 'in-progress', 'failed']);
        } else if (state.is === 'cancelled') {
          const { status_reason_human_readable } = await untilStatus(world, cell.id, ['failed']);
          assert.match(status_reason_human_readable, /^Cancelled by [^.]*\.$/);
          await assertConsistent(world, cell.id, 'failed');
          await assertEvents(world, cell.id, ['pending', 'queued', 'in-progress', 'failed']);
        } else {
          await assertCompleted(world, cell.id, state.name.startsWith('waiting'));
        }
        await assertRanOnce(world, cell, { isInterrupted: state.is !== 'waiting' && reason !== null });
        if (cell.followerId !== null) await assertCompleted(world, cell.followerId, true);
        if (cell.live !== null) await assertReleases(world, cell, { failed: reason !== null });
        assert.deepEqual(await world.processesOf(cell.id), []);
      });
    }
  });
}

function isInterrupted(fault: Fault, state: State): boolean {
  return state.is !== 'waiting' && fault.ends(state) !== null;
}

/** The processes of a run that there are, or that are still there after some time. */
async function stillThere(world: World, id: number, lingersMs: number): Promise<number[]> {
  let left = await world.processesOf(id);
  for (const deadline = Date.now() + lingersMs; left.length > 0 && Date.now() < deadline;) {
    await delay(100);
    left = await world.processesOf(id);
  }
  return left;
}

async function currentOf({ folder }: World): Promise<string> {
  return await readlink(join(folder, 'app', 'current'));
}

async function assertCompleted(world: World, id: number, hasWaited: boolean): Promise<void> {
  const { status, status_reason_human_readable } = await untilStatus(world, id);
  assert.equal(status, 'completed', status_reason_human_readable);
  await assertConsistent(world, id, 'completed');
  const before = hasWaited ? ['pending', 'waiting'] : ['pending'];
  await assertEvents(world, id, [...before, 'queued', 'in-progress', 'completed']);
}

/** Targets, steps and stream tell the same as the action. */
async function assertConsistent(world: World, id: number, status: 'completed' | 'failed'): Promise<void> {
  const { targets } = await world.work.api.get<FullAction>(`/actions/${id}`);
  assert.ok(targets.length > 0);
  for (const target of targets) {
    const steps = target.steps.map((step) => step.status);
    if (status === 'completed') assert.deepEqual(new Set([target.status, ...steps]), new Set(['completed']));
    else {
      assert.equal(target.status, 'failed');
      assert.match(steps.join(' '), /^(completed )*failed( skipped)*$/);
    }
  }
  const events = await readStream(world, id);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
    'the stream has no gap',
  );
  const last = new Map<string, string>();
  for (const { type, data } of events) if (type !== 'log') last.set(`${type} ${data.id}`, data.status ?? '');
  assert.equal(last.get(`action ${id}`), status);
  const open = [...last].filter(([, now]) => !['completed', 'failed', 'skipped'].includes(now));
  assert.deepEqual(open, [], 'the stream tells the end of each');
}

type Told = { seq: number; type: string; data: { id?: number; status?: string; content?: string } };

/** The stream of an ended action, which must say that it is over. */
export async function readStream({ work }: World, id: number): Promise<Told[]> {
  const answer = await fetch(`${work.url}/api/actions/${id}/events`, {
    headers: { authorization: `Bearer ${work.api.token}` },
    signal: AbortSignal.timeout(10_000),
  });
  const parts = (await answer.text()).split('\n\n').filter((part) => part.includes('event: '));
  assert.equal(parts.pop(), 'event: end\ndata: {}');
  return parts.map((part) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
    return { seq: Number(field('id')), type: field('event'), data: JSON.parse(field('data')) };
  });
}

/** Each came under one id, none before the one before it. A repeat may be: the answer to the first was never noted. */
async function assertEvents({ receiver }: World, id: number, statuses: string[]): Promise<void> {
  const arrived = () => receiver.requests.filter(({ path }) => path.split('/')[2] === String(id));
  const statusOf = ({ path }: { path: string }) => path.split('/')[3]!;
  const last = statuses.at(-1)!;
  await receiver.waitFor((one) => one.path.endsWith(`/${id}/${last}`), `${last} of ${id}`);
  const order = arrived().map((one) => statuses.indexOf(statusOf(one)));
  assert.deepEqual(
    order,
    order.toSorted((one, other) => one - other),
    'in order',
  );
  const first = new Map(arrived().map((one) => [one.headers['webhook-id'], statusOf(one)]));
  assert.deepEqual([...first.values()], statuses, 'each under one id');
}

/** Nothing ran twice; of what was interrupted nothing ran after that. */
async function assertRanOnce(world: World, cell: Cell, { isInterrupted }: { isInterrupted: boolean }) {
  const ran = (await world.ran())
    .filter(({ actionId }) => actionId === cell.id)
    .map(({ step, target }) => `${step} ${target}`);
  assert.equal(new Set(ran).size, ran.length, `ran: ${ran.join(', ')}`);
  if (isInterrupted) assert.deepEqual(ran.toSorted(), cell.ran.toSorted());
}

async function assertReleases(world: World, cell: Cell, { failed }: { failed: boolean }): Promise<void> {
  const path = `/applications/${cell.application.id}/releases`;
  const releases = await world.work.api.get<{ status: string; action_id: number; name: string }[]>(path);
  const statuses = releases.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 'failed').length, failed ? 1 : 0, statuses.join(', '));
  const [newest] = releases;
  assert.equal(await currentOf(world), `releases/${newest?.name}`);
}
