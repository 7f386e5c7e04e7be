import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TargetUnusable } from '../src/actions/executors/executor.ts';
import { createLocalExecutor, type LocalExecutor } from '../src/actions/executors/local.ts';
import { systemClock } from '../src/platform/clock.ts';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import { killAll, pidsIn, runStep } from './support/executor-suite.ts';

describe('the shell that starts local steps', { timeout: 600_000 }, () => {
  let folder: string;
  let executor: LocalExecutor;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hookline-launcher-'));
    executor = createLocalExecutor({ scriptDirectory: join(folder, 'scripts'), clock: systemClock });
    await mkdir(join(folder, 'work'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('both outputs are pipes that a script can open by name', async () => {
    const { output } = await runStep(
      executor,
      folder,
      'echo a > /dev/stderr; echo b > /dev/stdout; echo c >&2',
    );
    assert.equal(output, 'a\nb\nc\n');
  });

  test('nothing of the shell is left in a step: no file, no variable, no ignored signal', async () => {
    const { output } = await runStep(
      executor,
      folder,
      'ls /proc/$$/fd; env | cut -d= -f1 | grep -E "HOOKLINE_PIPES|OLDPWD" || true; grep SigIgn /proc/self/status',
    );
    const files = output.split('\n').filter((word) => /^\d$/.test(word));
    assert.deepEqual(files, ['0', '1', '2']);
    assert.match(output, /SigIgn:\s0+$/m);
    assert.doesNotMatch(output, /PIPES|OLDPWD/);
  });

  test('steps one after another never see what an earlier one wrote', async () => {
    for (let index = 0; index < 40; index++) {
      const { output } = await runStep(executor, folder, `echo ${index}`);
      assert.equal(output, `${index}\n`);
    }
  });

  test('many side by side each have their own output and code', async () => {
    const ran = await Promise.all(
      Array.from({ length: 40 }, (_, index) => runStep(executor, folder, `echo ${index}; exit ${index}`)),
    );
    for (const [index, { output, outcome }] of ran.entries()) {
      assert.deepEqual([output, outcome], [`${index}\n`, { kind: 'exited', code: index }]);
    }
  });

  test('a step goes on when the shell is killed, and the next one has another shell', async () => {
    const going = runStep(
      executor,
      folder,
      'echo $$ > before; until [ -e goes ]; do sleep 0.05; done; echo done; exit 4',
    );
    const [step] = await pidsIn(folder, 'before', 1);
    const watcher = await parentOf(step!);
    const shell = await parentOf(watcher);
    process.kill(shell, 'SIGKILL');
    await until(async () => !existsSync(`/proc/${shell}`), 'the shell to be gone, and known to be');
    assert.equal((await runStep(executor, folder, 'touch goes; echo next')).output, 'next\n');
    assert.deepEqual(await going, { output: 'done\n', outcome: { kind: 'exited', code: 4 } });
  });

  test('steps run on when the folder of the pipes is taken away', async () => {
    const scripts = join(folder, 'scripts');
    await runStep(executor, folder, 'true');
    await rm(scripts, { recursive: true });
    assert.equal((await runStep(executor, folder, 'echo there')).output, 'there\n');
  });

  test('a path below the home is below the one of the system, whatever HOME is set to', async () => {
    const fields = { environment: { HOME: '/elsewhere' }, paths: { PLACE: '~/place' } };
    const { output } = await runStep(executor, folder, 'echo "$PLACE $HOME"', fields);
    assert.equal(output, `${join(homedir(), 'place')} /elsewhere\n`);
  });

  test('a step whose watcher is killed fails with the reason', async () => {
    await assert.rejects(
      runStep(executor, folder, 'kill -KILL $PPID; sleep 300'),
      (error) => error instanceof TargetUnusable && /was ended from outside/.test(error.message),
    );
  });

  test('says which variable is too large for the system', async () => {
    const environment = { LARGE: 'x'.repeat(200_000) };
    await assert.rejects(
      runStep(executor, folder, 'true', { environment }),
      /the variable LARGE has 200007 bytes, the system takes 131071/,
    );
  });

  test('when its process is killed, the step ends, also one that ignores TERM, and the pipes are removed', async () => {
    const apart = join(folder, 'apart');
    await mkdir(join(apart, 'work'), { recursive: true });
    const script = `trap '' TERM HUP; echo $$ > pids; while :; do sleep 1; done`;
    const child = spawn(process.execPath, ['test/support/run-one-step.ts', apart, script], {
      stdio: 'ignore',
    });
    const pids = await pidsIn(apart, 'pids', 1);
    try {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await until(async () => pids.every((pid) => !isAlive(pid)), 'the step to end');
      await until(
        async () => (await readdir(join(apart, 'scripts'))).every((name) => !name.startsWith('pipes-')),
        'the pipes to be removed',
      );
    } finally {
      killAll(pids);
    }
  });
});

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)/m.exec(status)![1]);
}
