import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { createApplication, createPipeline, openWorkplace, type Workplace } from './support/fixtures.ts';
import { startServer, type TestServer } from './support/server.ts';
import { killWithUs } from './support/watchdog.ts';

const root = join(import.meta.dirname, '..');

describe('the program itself', () => {
  let server: TestServer;
  let place: Workplace;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hookline-program-'));
    server = await startServer();
    place = await openWorkplace(server);
  });
  after(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function start(words: string[], nodeOptions: string[] = []) {
    const child = spawn(process.execPath, [...nodeOptions, join(root, 'src', 'main.mjs'), ...words], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        HOOKLINE_URL: server.url,
        HOOKLINE_TOKEN: place.api.token,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const alive = killWithUs(child.pid ?? 0);
    const stderr = text(child.stderr);
    const ended = once(child, 'close').finally(alive) as Promise<[number | null, NodeJS.Signals | null]>;
    return { child, stderr, ended };
  }

  for (const [words, without] of [
    [['--help'], /fastify|better-sqlite3|\/pg\/|kysely|liquidjs|ssh2|\/sdk\/src\/generated|yaml/],
    [['apps', 'list'], /fastify|better-sqlite3|\/pg\/|kysely|liquidjs|ssh2|src\/(app|config)\.ts|yaml/],
  ] as const)
    test(`"hookline ${words.join(' ')}" loads nothing of the server`, async () => {
      const list = join(folder, 'loaded');
      const hook = join(folder, 'list-modules.mjs');
      await writeFile(
        hook,
        `import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`,
      );
      await rm(list, { force: true });
      const { child, stderr, ended } = start([...words], ['--import', hook]);
      const output = await text(child.stdout);
      assert.deepEqual(await ended, [0, null], await stderr);
      assert.ok(output.length > 0 || (await stderr).includes('There are none.'));
      const loaded = (await readFile(list, 'utf8')).split('\n').filter((url) => url.startsWith('file:'));
      assert.ok(loaded.some((url) => url.endsWith('/src/cli/program.ts')));
      assert.deepEqual(
        loaded.filter((url) => without.test(url)),
        [],
      );
    });

  test('a reader that has had enough ends it in silence', async () => {
    const { child, stderr, ended } = start(['call', 'getOpenapi']);
    child.stdout.destroy();
    const [code] = await ended;
    assert.deepEqual([code, await stderr], [0, '']);
  });

  test('ctrl-C ends what follows an action with 130, without a word, and the action goes on', async () => {
    const application = await createApplication(place);
    const gate = join(folder, 'gate');
    const pipeline = await createPipeline(place, application, [
      `echo begun; until [ -e '${gate}' ]; do sleep 0.05; done`,
    ]);
    const { child, stderr, ended } = start(['actions', 'run', String(pipeline), '--follow', '--json']);
    let output = '';
    for await (const piece of child.stdout) {
      output += String(piece);
      if (output.includes('begun')) child.kill('SIGINT');
    }
    assert.deepEqual(await ended, [130, null]);
    assert.equal(await stderr, '');
    const [action] = await place.api.get<{ id: number; status: string }[]>(`/pipelines/${pipeline}/actions`);
    assert.equal(action?.status, 'in-progress');
    await writeFile(gate, '');
    const watch = start(['actions', 'watch', String(action?.id)]);
    assert.match(await text(watch.child.stdout), /completed/);
    assert.deepEqual(await watch.ended, [0, null]);
  });

  test('a fault ends it with its code and leaves standard output empty', async () => {
    const { child, stderr, ended } = start(['apps', 'get', '999999', '--json']);
    assert.equal(await text(child.stdout), '');
    assert.deepEqual(await ended, [4, null]);
    const { error } = JSON.parse(await stderr) as { error: { status: number; request_id: string } };
    assert.equal(error.status, 404);
    assert.match(error.request_id, /^[0-9a-f-]{36}$/);
  });
});
