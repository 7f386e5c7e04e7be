import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { TargetUnusable } from '../src/actions/executors/executor.ts';
import type { StepOutcome, StepRun } from '../src/actions/executors/executor.ts';
import { createLocalExecutor, type LocalExecutor } from '../src/actions/executors/local.ts';
import { systemClock } from '../src/platform/clock.ts';
import type { Clock } from '../src/platform/clock.ts';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';

/** Time passes fifty times as fast for whoever waits by it: the 10 s between TERM and KILL are 0.2 s. */
const hastyClock: Clock = {
  now: systemClock.now,
  elapsed: systemClock.elapsed,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
};

/** What every executor promises, on real shells. */
describe('the local executor', { timeout: 60_000 }, () => {
  let folder: string;
  let executor: LocalExecutor;
  let hasty: LocalExecutor;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hookline-executor-'));
    executor = createLocalExecutor({ scriptDirectory: join(folder, 'scripts'), clock: systemClock });
    hasty = createLocalExecutor({ scriptDirectory: join(folder, 'hasty'), clock: hastyClock });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  type Ran = { outcome: StepOutcome; output: string };

  function stepOf(script: string, fields: Partial<StepRun> = {}): StepRun {
    return {
      runId: randomUUID(),
      script,
      environment: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8' },
      paths: {},
      workingDirectory: join(folder, 'work'),
      runAsUser: '',
      timeoutMs: 60_000,
      signal: new AbortController().signal,
      onOutput: () => undefined,
      ...fields,
    };
  }

  async function run(script: string, fields: Partial<StepRun> = {}, by = executor): Promise<Ran> {
    let output = '';
    const step = stepOf(script, { onOutput: (text) => void (output += text), ...fields });
    return { outcome: await by.run(step), output };
  }

  /** The ids that a script has written to a file in the working directory, once there are so many. */
  async function pidsIn(name: string, count: number): Promise<number[]> {
    return await until(async () => {
      const text = await readFile(join(folder, 'work', name), 'utf8').catch(() => '');
      const pids = text.split('\n').filter(Boolean).map(Number);
      return pids.length === count && pids;
    }, `${count} processes to name themselves in ${name}`);
  }

  for (const { script, outcome } of [
    { script: 'true', outcome: { kind: 'exited', code: 0 } },
    { script: 'exit 7', outcome: { kind: 'exited', code: 7 } },
    { script: 'false; echo not reached', outcome: { kind: 'exited', code: 1 } },
    { script: 'false | true; echo not reached', outcome: { kind: 'exited', code: 1 } },
    { script: 'no-such-command-here', outcome: { kind: 'exited', code: 127 } },
    { script: 'if then fi', outcome: { kind: 'exited', code: 2 } },
    { script: 'kill -9 $$', outcome: { kind: 'exited', code: 137 } },
    { script: 'kill -TERM $$; sleep 9', outcome: { kind: 'exited', code: 143 } },
  ] as const) {
    test(`tells how a script ended: ${script}`, async () => {
      const ran = await run(script);
      assert.deepEqual(ran.outcome, outcome);
      assert.doesNotMatch(ran.output, /^not reached/m);
    });
  }

  test('gives both outputs in the order in which they were written', async () => {
    const { output } = await run('for i in {1..300}; do echo "out $i"; echo "err $i" >&2; done');
    const expected = Array.from({ length: 300 }, (_, index) => `out ${index + 1}\nerr ${index + 1}\n`).join(
      '',
    );
    assert.equal(output, expected);
  });

  test('gives all of the output to a reader that is slow', async () => {
    const bytes = 400_000;
    let received = 0;
    const onOutput = async (text: string): Promise<void> => {
      await delay(150);
      received += text.length;
    };
    const { outcome } = await run(`head -c ${bytes} /dev/zero | tr '\\0' x`, { onOutput });
    assert.deepEqual(outcome, { kind: 'exited', code: 0 });
    assert.equal(received, bytes);
  });

  test('makes characters whole that were cut in two, and marks bytes that are none', async () => {
    const { output } = await run(
      `printf 'caf\\303'; sleep 0.1; printf '\\251 \\377 \\360\\237'; sleep 0.1; printf '\\230\\200'`,
    );
    assert.equal(output, 'café \uFFFD 😀');
  });

  test('gives a script its environment and no more, and a folder of its own', async () => {
    process.env.MARKED_IN_THE_SERVER = 'must not be seen';
    const environment = { PATH: process.env.PATH ?? '', GREETING: 'a b\n$(c)' };
    const { output } = await run('env -0 | sort -z | tr "\\0" "\\n"; pwd', { environment });
    delete process.env.MARKED_IN_THE_SERVER;
    assert.doesNotMatch(output, /MARKED_IN_THE_SERVER/);
    assert.match(output, /^GREETING=a b\n\$\(c\)$/m);
    const names = [...output.matchAll(/^([A-Z_a-z]+)=/gm)].map(([, name]) => name);
    const ofEveryProcess = [
      'PATH',
      'HOME',
      'USER',
      'LOGNAME',
      'SHELL',
      'LANG',
      'PWD',
      'OLDPWD',
      'SHLVL',
      '_',
    ];
    const expected = new Set(['GREETING', 'HOOKLINE_RUN_ID', ...ofEveryProcess]);
    assert.deepEqual(
      names.filter((name) => !expected.has(name ?? '')),
      [],
    );
    assert.match(output, new RegExp(`^${folder}/work$`, 'm'));
  });

  test('reads nothing from its own standard input', async () => {
    assert.equal((await run('cat; echo end')).output, 'end\n');
  });

  test('leaves no script file behind', async () => {
    await run('true');
    assert.deepEqual(await readdir(join(folder, 'scripts')), []);
  });

  for (const { name, script } of [
    { name: 'in the background', script: 'sleep 300 & echo $! > PIDS' },
    { name: 'in the background, silenced', script: 'sleep 300 >/dev/null 2>&1 & echo $! > PIDS' },
    {
      name: 'in a session of its own',
      script: `setsid bash -c 'echo $$ > PIDS; exec sleep 300' & until [ -s PIDS ]; do sleep 0.01; done`,
    },
    {
      name: 'in a session of its own, silenced',
      script: `setsid bash -c 'echo $$ > PIDS; exec sleep 300' >/dev/null 2>&1 & until [ -s PIDS ]; do sleep 0.01; done`,
    },
    { name: 'that ignores TERM', script: `bash -c 'trap "" TERM; sleep 300' & echo $! > PIDS` },
  ]) {
    test(`ends a process that a script leaves ${name}, and says so`, async () => {
      const file = `left-${randomUUID()}`;
      const startedAt = performance.now();
      const { outcome, output } = await run(`${script.replaceAll('PIDS', file)}; echo done`);
      const pids = await pidsIn(file, 1);
      try {
        assert.deepEqual(pids.filter(isAlive), [], 'nothing of it is left');
        assert.deepEqual(outcome, { kind: 'exited', code: 0 });
        assert.ok(performance.now() - startedAt < 5000);
        assert.match(output, /^done$/m);
        assert.match(output, /\[hookline\] .*processes/);
      } finally {
        for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
      }
    });
  }

  test('ends the whole group at the timeout', async () => {
    const script = 'sleep 300 & echo $! >> timeout; echo $$ >> timeout; echo before; sleep 300';
    const { outcome, output } = await run(script, { timeoutMs: 500 });
    assert.deepEqual(outcome, { kind: 'timed-out' });
    assert.match(output, /^before\n/);
    assert.deepEqual((await pidsIn('timeout', 2)).filter(isAlive), []);
  });

  test('lets a script tidy up at TERM', async () => {
    const script = `trap 'echo tidied; exit 0' TERM; echo $$ > tidy; while :; do sleep 0.05; done`;
    const { outcome, output } = await run(script, { timeoutMs: 300 });
    assert.deepEqual(outcome, { kind: 'timed-out' });
    assert.match(output, /tidied\n/);
  });

  test('kills a group that ignores TERM, and what left the group, when 10 s more have passed', async () => {
    const script = `trap '' TERM; setsid sleep 300 & echo $! >> stubborn; echo $$ >> stubborn; while :; do sleep 300; done`;
    const { outcome } = await run(script, { timeoutMs: 20_000 }, hasty);
    assert.deepEqual(outcome, { kind: 'timed-out' });
    assert.deepEqual((await pidsIn('stubborn', 2)).filter(isAlive), []);
  });

  test('ends the whole group when cancelled, and starts nothing when cancelled before', async () => {
    const abort = new AbortController();
    const running = run('sleep 300 & echo $! >> cancel; echo $$ >> cancel; sleep 300', {
      signal: abort.signal,
    });
    const pids = await pidsIn('cancel', 2);
    abort.abort();
    assert.deepEqual((await running).outcome, { kind: 'cancelled' });
    assert.deepEqual(pids.filter(isAlive), []);
    const late = await run('echo ran > late', { signal: abort.signal });
    assert.deepEqual(late, { outcome: { kind: 'cancelled' }, output: '' });
    assert.ok(!(await readdir(join(folder, 'work'))).includes('late'));
  });

  for (const { name, script } of [
    { name: 'a script that became another program without an environment', script: 'exec env -i sleep 300' },
    { name: 'a program that a script runs without an environment', script: 'env -i sleep 300; true' },
  ]) {
    test(`endRun ends ${name}, though nothing of it bears the run id`, async () => {
      const runId = randomUUID();
      const file = `cleared-${randomUUID()}`;
      const running = run(`echo $$ >> ${file}; ${script}`, { runId });
      const [pid] = await pidsIn(file, 1);
      // As after a crash: another executor on the same folder, which has started nothing itself.
      const restarted = createLocalExecutor({ scriptDirectory: join(folder, 'scripts'), clock: systemClock });
      assert.ok((await restarted.findRuns()).includes(runId));
      await restarted.endRun(runId);
      await running;
      assert.equal(isAlive(pid!), false);
      assert.equal((await restarted.findRuns()).includes(runId), false);
    });
  }

  test('a process without an environment that writes on and on holds up its step for a while only', async () => {
    const noisy = `setsid env -i bash -c 'for i in {1..3000}; do echo tick; sleep 0.01; done' & sleep 0.1; exit 3`;
    const { outcome } = await run(noisy, {}, hasty);
    assert.deepEqual(outcome, { kind: 'exited', code: 3 });
  });

  test('endRun ends every process of a run, wherever it went, and none of another run', async () => {
    const [runId, otherId] = [randomUUID(), randomUUID()];
    const script = (file: string) => `setsid sleep 300 & echo $! >> ${file}; echo $$ >> ${file}; sleep 300`;
    const abort = new AbortController();
    const ended = run(script('ended'), { runId });
    const other = run(script('other'), { runId: otherId, signal: abort.signal });
    const pids = await pidsIn('ended', 2);
    const others = await pidsIn('other', 2);
    assert.ok((await executor.findRuns()).includes(runId));
    // As after a restart: another executor, which has started none of them.
    const restarted = createLocalExecutor({ scriptDirectory: join(folder, 'restarted'), clock: systemClock });
    await restarted.endRun(runId);
    assert.deepEqual(pids.filter(isAlive), []);
    assert.deepEqual(
      others.filter((pid) => !isAlive(pid)),
      [],
    );
    assert.deepEqual((await ended).outcome, { kind: 'exited', code: 137 });
    await restarted.endRun(runId);
    abort.abort();
    await other;
    assert.deepEqual(others.filter(isAlive), []);
  });

  test('rejects with the reason when it cannot run as the wanted user', async () => {
    await assert.rejects(
      run('true', { runAsUser: 'nobody-that-exists' }),
      (error) =>
        error instanceof TargetUnusable && /cannot run them as nobody-that-exists/.test(error.message),
    );
  });

  test('rejects with the reason when the system cannot take so large an environment', async () => {
    const environment = { PATH: process.env.PATH ?? '', LARGE: 'x'.repeat(3 * 1024 * 1024) };
    await assert.rejects(run('true', { environment }), TargetUnusable);
    assert.deepEqual(await readdir(join(folder, 'scripts')), []);
  });
});
