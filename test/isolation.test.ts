import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connectBeside } from '../src/platform/database/connect.ts';
import { scriptDirectory } from '../src/actions/executors/script-directory.ts';
import { pruneWorkspaces } from '../src/actions/workspaces.ts';
import { readConfig } from '../src/config.ts';
import { createTestDatabase } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { createApplication, createPipeline, openWorkplace, untilAction } from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';

type Ran = { id: number; status: string; reason: string; output: string };

async function run(work: Workplace, command: string): Promise<Ran> {
  const pipeline = await createPipeline(work, await createApplication(work), [command]);
  const { id } = await work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {});
  const action = await untilAction(work, id);
  const output = (await work.api.get<string | undefined>(`/actions/${id}/logs?step=1`)) ?? '';
  return { id, status: action.status, reason: action.status_reason_human_readable, output };
}

/** The entries of a folder that others than the owner may enter, read or write. */
async function openToOthers(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const modes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mode & 0o077));
  return names.filter((_, index) => modes[index] !== 0);
}

describe('steps on the machine of Hookline', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let database: TestDatabase;
  let work: Workplace;
  let data: string;

  before(async () => {
    database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    data = database.env['HOOKLINE_DATA']!;
    // A volume that somebody has mounted, say: nothing but the modes within protects what is there.
    await chmod(data, 0o755);
    const env = { HOOKLINE_LOCAL_LIMITS: 'memory=512,file=1,cpu=1' };
    const server = ends.adopt(await startServer({ database, env }), (started) => started.stop());
    work = await openWorkplace(server);
  });

  test('each action has a folder of its own, which its steps share', async () => {
    const pipeline = await createPipeline(work, await createApplication(work), [
      'pwd; ls -A; echo mine > file',
      'pwd; cat file',
    ]);
    const folders = new Set<string>();
    for (let round = 0; round < 2; round++) {
      const { id } = await work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {});
      assert.equal((await untilAction(work, id)).status, 'completed');
      const folder = join(data, 'workspaces', String(id));
      assert.equal(await work.api.get<string>(`/actions/${id}/logs?step=1`), `${folder}\n`);
      assert.equal(await work.api.get<string>(`/actions/${id}/logs?step=2`), `${folder}\nmine\n`);
      folders.add(folder);
    }
    assert.equal(folders.size, 2);
  });

  for (const { what, command, reason, output } of [
    {
      what: 'more memory than it may have',
      command: 'dd if=/dev/zero of=/dev/null bs=1G count=1',
      reason: /^Step 1 on local exited with code 1\.$/,
      output: /memory exhausted/,
    },
    {
      what: 'a larger file than it may write',
      command: 'head -c 5000000 /dev/zero > large',
      reason: /^Step 1 on local (was ended by SIGXFSZ \(exit code 153\)|exited with code 1)\.$/,
      output: /File (too large|size limit exceeded)/i,
    },
    {
      what: 'more time of the processor than it may use',
      command: 'while :; do :; done',
      reason: /^Step 1 on local was ended by SIG(XCPU|KILL) \(exit code \d+\)\.$/,
      output: /^/,
    },
  ]) {
    test(`a step that takes ${what} fails and says so`, async () => {
      const ran = await run(work, command);
      assert.equal(ran.status, 'failed');
      assert.match(ran.reason, reason);
      assert.match(ran.output, output);
    });
  }

  for (const [value, said] of [
    ['memory=0', '"memory=0"'],
    ['memory=-1', '"memory=-1"'],
    ['memory', '"memory"'],
    ['disk=5', '"disk=5"'],
    ['cpu=1.5', '"cpu=1.5"'],
    ['memory=100;reboot', '"memory=100;reboot"'],
    ['memory=1=2', '"memory=1=2"'],
    ['cpu=1,cpu=2', 'twice'],
    ['constructor=1', '"constructor=1"'],
    ['memory=100,', '""'],
  ] as const) {
    test(`HOOKLINE_LOCAL_LIMITS=${value} is refused at the start`, () => {
      assert.throws(
        () => readConfig({ HOOKLINE_LOCAL_LIMITS: value }),
        (error: Error) => error.message.includes('HOOKLINE_LOCAL_LIMITS') && error.message.includes(said),
      );
    });
  }

  test('nobody else may read what is in the data folder, whatever the mode of the folder itself', async () => {
    await run(work, 'echo secret > file; chmod 666 file');
    const names = await readdir(data);
    for (const name of ['hookline.db', 'hookline.db-wal', 'secret.key', 'workspaces']) {
      assert.ok(names.includes(name), `${name} is not there: ${names.join(', ')}`);
    }
    assert.deepEqual(await openToOthers(data), []);
    const scripts = scriptDirectory(data);
    assert.equal((await stat(scripts)).mode & 0o077, 0, scripts);
    assert.deepEqual(await openToOthers(scripts), []);
    assert.deepEqual(await openToOthers(join(data, 'workspaces')), []);
  });

  test('folders of actions go when retention takes them, and those of actions that run stay', async () => {
    const old = await run(work, 'mkdir -p a/b; echo x > a/b/c; chmod 000 a/b; ln -s /etc/passwd link');
    const young = await run(work, 'true');
    await mkdir(join(data, 'workspaces', '987654'));
    await mkdir(join(data, 'workspaces', 'not-ours'));
    const beside = await connectBeside({ databaseUrl: null, dataDirectory: data });
    const prune = (olderThan: number) => pruneWorkspaces(beside.db, { dataDirectory: data, olderThan });
    try {
      const { completed_at } = await work.api.get<{ completed_at: string }>(`/actions/${young.id}`);
      const pipeline = await createPipeline(work, await createApplication(work), ['sleep 60']);
      const { id: running } = await work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {});
      await untilAction(work, running, ['in-progress']);
      await prune(Date.parse(completed_at));
      const left = await readdir(join(data, 'workspaces'));
      assert.ok(left.includes(String(young.id)));
      assert.ok(!left.includes(String(old.id)));
      assert.ok(!left.includes('987654'), 'an action that is no more');
      assert.ok(left.includes('not-ours'));
      await prune(Date.now() + 1000);
      assert.deepEqual(
        (await readdir(join(data, 'workspaces'))).toSorted(),
        [String(running), 'not-ours'].toSorted(),
      );
      await work.api.post(`/actions/${running}/cancel`);
      await untilAction(work, running);
    } finally {
      await beside.close();
    }
  });

  const isRoot = userInfo().uid === 0;
  test(
    'a folder that its owner made unwritable goes too, and holds up no other',
    { skip: !isRoot },
    async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'hookline-prune-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      // An installation without the rights of root, which no mode stops.
      const nobody = 65_534;
      for (const name of ['1000001/go/mod', '1000002', '1000003/foreign']) {
        await mkdir(join(folder, 'workspaces', name), { recursive: true });
      }
      await writeFile(join(folder, 'workspaces', '1000001/go/mod', 'file'), '');
      await writeFile(join(folder, 'workspaces', '1000003/foreign', 'file'), '');
      execFileSync('chown', ['-R', String(nobody), folder]);
      execFileSync('chown', ['0', join(folder, 'workspaces', '1000003/foreign')]);
      execFileSync('chmod', ['-R', '555', join(folder, 'workspaces', '1000001')]);
      const beside = await connectBeside({ databaseUrl: null, dataDirectory: data });
      t.after(() => beside.close());
      await beside.db.selectFrom('actions').select('id').execute();
      process.seteuid?.(nobody);
      try {
        await pruneWorkspaces(beside.db, { dataDirectory: folder, olderThan: 0 });
      } finally {
        process.seteuid?.(0);
      }
      assert.deepEqual(await readdir(join(folder, 'workspaces')), ['1000003'], "another's stays");
    },
  );
});

const canBecomeAnother = ((): boolean => {
  try {
    execFileSync('sudo', ['-n', '-u', 'nobody', 'true'], { stdio: 'ignore' });
    return userInfo().uid === 0;
  } catch {
    return false;
  }
})();
const skip = canBecomeAnother ? false : 'needs root and sudo';

describe('HOOKLINE_LOCAL_USER', { timeout: 600_000, skip }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  const user = `hookline-t${process.pid}`;
  let work: Workplace;
  let home: string;
  let data: string;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'hookline-home-'));
    ends.defer(() => rm(home, { recursive: true, force: true }));
    execFileSync('useradd', ['--home-dir', home, '--no-create-home', '--shell', '/bin/bash', user]);
    ends.defer(() => void execFileSync('userdel', [user]));
    execFileSync('chown', [user, home]);
    const database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    data = database.env['HOOKLINE_DATA']!;
    // Others may enter it: only what lies in it keeps them out.
    await chmod(data, 0o755);
    const env = { HOOKLINE_LOCAL_USER: user, HOOKLINE_LOCAL_LIMITS: 'processes=20' };
    const server = ends.adopt(await startServer({ database, env }), (started) => started.stop());
    work = await openWorkplace(server);
  });

  test('steps run as that user, in a folder of its own in the home', async () => {
    const ran = await run(work, 'id -un; echo $HOME; pwd; stat -c "%U %a" .');
    assert.equal(ran.status, 'completed', `${ran.reason}\n${ran.output}`);
    const [, , folder = '', ...others] = ran.output.split('\n');
    assert.deepEqual(ran.output.split('\n').slice(0, 2), [user, home]);
    assert.match(folder, new RegExp(`^${home}/\\.hookline/workspaces/[0-9a-f]{8}-${ran.id}$`));
    assert.deepEqual(others, [`${user} 700`, '']);
  });

  test('they can read nothing of the data folder', async () => {
    const ran = await run(
      work,
      `for f in ${data}/* ${data}/*/*; do [ -r "$f" ] && echo "reads $f"; [ -w "$f" ] && echo "writes $f"; done; true`,
    );
    assert.equal(ran.status, 'completed');
    assert.equal(ran.output, '');
  });

  test('a step that starts more processes than it may fails with what the system says', async () => {
    const ran = await run(work, 'for i in {1..60}; do sleep 5 & done; wait');
    assert.equal(ran.status, 'failed', ran.output.slice(-500));
    assert.match(ran.output, /fork: .*(Resource temporarily unavailable|retry)/);
  });
});
