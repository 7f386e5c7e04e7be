import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TargetUnusable } from '../src/actions/executors/executor.ts';
import { createLocalExecutor, type LocalExecutor } from '../src/actions/executors/local.ts';
import { createSshConnections } from '../src/actions/executors/ssh-connections.ts';
import { createSshExecutor } from '../src/actions/executors/ssh.ts';
import { supervisorTimes } from '../src/actions/executors/supervisor.ts';
import { systemClock } from '../src/platform/clock.ts';
import { isAlive } from './support/alive.ts';
import { createDummyExecutor } from './support/dummy-executor.ts';
import { pidsIn, promisesOfExecutors, runStep, type ExecutorKind } from './support/executor-suite.ts';
import { createFastClock } from './support/fast-clock.ts';
import { timely } from './support/timely-clock.ts';
import { sshServerKinds, startSshServer, type SshServerKind } from './support/ssh-server.ts';

/** The 10 s between TERM and KILL are 2; where bash counts them itself, it is told of one. */
const clock = timely(systemClock);
const fastClock = timely(createFastClock({ since: Date.now(), factor: 5 }));
const shortTimes = { ...supervisorTimes, graceSeconds: 1 };

// What a step puts into the home of whoever runs the tests is gone with them.
const ownHome = await mkdtemp(join(tmpdir(), 'hookline-home-'));
process.env.HOME = ownHome;
after(() => rm(ownHome, { recursive: true, force: true }));

/** An account that everybody has and nobody uses, where we may become it. */
const unprivileged = 'nobody';
const maySudo =
  process.getuid?.() === 0 && spawnSync('sudo', ['-n', '-u', unprivileged, 'true']).status === 0;
const otherUser = maySudo ? unprivileged : null;

const local: ExecutorKind = {
  name: 'local',
  hasShell: true,
  otherUser,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'hookline-executor-'));
    return {
      executor: createLocalExecutor({ scriptDirectory: join(folder, 'scripts'), clock }),
      hasty: createLocalExecutor({ scriptDirectory: join(folder, 'hasty'), clock: fastClock }),
      folder,
      user: userInfo().username,
      home: homedir(),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  },
};

const localAsAnother: ExecutorKind = {
  name: 'local as another user',
  hasShell: true,
  otherUser,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'hookline-executor-'));
    const idOf = (option: string) => Number(execFileSync('id', [option, unprivileged], { encoding: 'utf8' }));
    await chown(folder, idOf('-u'), idOf('-g'));
    const scripts = await mkdtemp(join(tmpdir(), 'hookline-scripts-'));
    const common = { scriptDirectory: scripts, user: unprivileged };
    const home = execFileSync('bash', ['-c', `echo ~${unprivileged}`], { encoding: 'utf8' });
    return {
      executor: createLocalExecutor({ ...common, clock }),
      hasty: createLocalExecutor({ ...common, clock: fastClock, times: shortTimes }),
      folder,
      user: unprivileged,
      home: home.trim(),
      close: async () => {
        for (const path of [folder, scripts]) await rm(path, { recursive: true, force: true });
      },
    };
  },
};

const ssh = (kind: SshServerKind): ExecutorKind => ({
  name: `ssh (${kind})`,
  hasShell: true,
  otherUser,
  async open() {
    const server = await startSshServer(kind);
    const connections = createSshConnections({ clock: systemClock, pin: async (_id, key) => key });
    const common = { connections, server: { id: 1, hostname: 'web-1', ...server, hostKey: null } };
    return {
      executor: createSshExecutor({ ...common, clock }),
      hasty: createSshExecutor({ ...common, clock: fastClock, times: shortTimes }),
      folder: server.home,
      user: server.user,
      home: server.home,
      close: async () => {
        await connections.stop();
        await server.stop();
      },
    };
  },
});

const dummy: ExecutorKind = {
  name: 'dummy',
  hasShell: false,
  otherUser: null,
  async open() {
    return {
      executor: createDummyExecutor({ clock }),
      hasty: createDummyExecutor({ clock: fastClock }),
      folder: '/',
      user: '',
      home: '',
      close: async () => undefined,
    };
  },
};

const kinds = [local, ...(maySudo ? [localAsAnother] : []), ...sshServerKinds.map(ssh), dummy];
describe('one suite for', { concurrency: true, timeout: 600_000 }, () => {
  for (const kind of kinds) promisesOfExecutors(kind);
});

test('the dummy executor runs nothing that it does not know', async () => {
  const executor = createDummyExecutor({ clock: systemClock });
  for (const line of ['ls', 'sleep', 'echo $HOME', 'echo a | cat', 'exit', 'true; false'])
    await assert.rejects(runStep(executor, '/', `echo first\n${line}`), /does not know/);
});

describe('the local executor, after a crash', { timeout: 600_000 }, () => {
  let folder: string;
  let executor: LocalExecutor;
  const executorAt = (name: string) =>
    createLocalExecutor({ scriptDirectory: join(folder, name), clock: systemClock });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hookline-executor-'));
    executor = executorAt('scripts');
    await mkdir(join(folder, 'work'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('leaves no script file behind', async () => {
    await runStep(executor, folder, 'true');
    assert.deepEqual(await filesIn(join(folder, 'scripts')), []);
  });

  for (const { name, script } of [
    { name: 'a script that became another program without an environment', script: 'exec env -i sleep 300' },
    { name: 'a program that a script runs without an environment', script: 'env -i sleep 300; true' },
  ]) {
    test(`endRun ends ${name}, though nothing of it bears the run id`, async () => {
      const runId = randomUUID();
      const file = `cleared-${randomUUID()}`;
      const running = runStep(executor, folder, `echo $$ >> ${file}; ${script}`, { runId });
      const [pid] = await pidsIn(folder, file, 1);
      // As after a crash: another executor on the same folder, which has started nothing itself.
      const restarted = executorAt('scripts');
      assert.ok((await restarted.findRuns()).includes(runId));
      await restarted.endRun(runId);
      await running;
      assert.equal(isAlive(pid!), false);
      assert.equal((await restarted.findRuns()).includes(runId), false);
    });
  }

  test('endRun ends every process of a run, wherever it went, and none of another run', async () => {
    const [runId, otherId] = [randomUUID(), randomUUID()];
    const script = (file: string) => `setsid sleep 300 & echo $! >> ${file}; echo $$ >> ${file}; sleep 300`;
    const abort = new AbortController();
    const ended = runStep(executor, folder, script('ended'), { runId });
    const other = runStep(executor, folder, script('other'), { runId: otherId, signal: abort.signal });
    const pids = await pidsIn(folder, 'ended', 2);
    const others = await pidsIn(folder, 'other', 2);
    assert.ok((await executor.findRuns()).includes(runId));
    // As after a restart: another executor, which has started none of them.
    const restarted = executorAt('restarted');
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

  test('rejects with the reason when the system cannot take so large an environment', async () => {
    const environment = { LARGE: 'x'.repeat(3 * 1024 * 1024) };
    await assert.rejects(runStep(executor, folder, 'true', { environment }), TargetUnusable);
    assert.deepEqual(await filesIn(join(folder, 'scripts')), []);
  });
});

/** Without the folder of the pipes, which stays as long as the process. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
