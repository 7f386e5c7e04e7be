import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { bridge } from '../src/cli/client/mcp-bridge.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { freePort } from './support/free-port.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';
import { runCommand } from './support/run-command.ts';

type Answer = {
  id: number | null;
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
};

let database: TestDatabase;
let port: number;
let app: InProcessApp;

before(async () => {
  database = await createTestDatabase('sqlite');
  port = await freePort();
  await start();
});
after(async () => {
  await app?.stop();
  await database?.drop();
});

const start = async () => {
  app = await startInProcessApp({ database, env: { PORT: String(port) } });
};

/** A bridge whose two ends are in this process. */
function openBridge({ token = app.api.token ?? '', patienceMs = 10_000 } = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const notes: string[] = [];
  const noted = new PassThrough();
  const ended = bridge({
    url: `http://127.0.0.1:${port}/mcp`,
    token,
    lines: createInterface({ input }),
    write: (line) => void output.write(`${line}\n`),
    note: (text) => {
      notes.push(text);
      noted.write(text);
    },
    signal: new AbortController().signal,
    patienceMs,
  });
  const answers = createInterface({ input: output })[Symbol.asyncIterator]();
  return {
    notes,
    noted,
    say: (message: unknown) =>
      void input.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`),
    next: async () => JSON.parse((await answers.next()).value ?? 'null') as Answer,
    end: async () => {
      input.end();
      await ended;
    },
  };
}

const call = (id: number, name = 'list_projects', args = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

describe('hookline mcp', () => {
  test('waits for a server that restarts, and goes on as if nothing had been', async () => {
    const { say, next, noted, notes, end } = openBridge();
    say(call(1));
    assert.deepEqual([(await next()).id, notes.length], [1, 1]);
    await app.stop();
    say(call(2));
    await once(noted, 'data');
    while (notes.length < 2) await once(noted, 'data');
    assert.match(notes[1] ?? '', /the server cannot be reached \(ECONNREFUSED\)/);
    await start();
    const second = await next();
    assert.equal(second.id, 2);
    assert.ok(second.result);
    assert.match(notes[2] ?? '', /there again/);
    await end();
  });

  test('answers each request, also where there is no server at all', async () => {
    const away = await freePort();
    const right = port;
    port = away;
    const { say, next, end } = openBridge({ patienceMs: 0 });
    port = right;
    say(call(7));
    const { id, error } = await next();
    assert.equal(id, 7);
    assert.match(error?.message ?? '', /cannot be reached \(ECONNREFUSED\)/);
    await end();
  });

  test('says once, and in each answer, that the token is refused', async () => {
    const { say, next, notes, end } = openBridge({ token: 'hl_pat_wrong' });
    say(call(1));
    const first = await next();
    assert.equal(first.id, 1);
    assert.match(first.error?.message ?? '', /token is not known/);
    say(call(2));
    assert.equal((await next()).id, 2);
    assert.equal(notes.filter((text) => /refuses the token/.test(text)).length, 1);
    assert.ok(!notes.join().includes('hl_pat_wrong'));
    await end();
  });

  test('answers what is no message, and goes on', async () => {
    const { say, next, end } = openBridge();
    say('not json');
    assert.deepEqual((await next()).error?.code, -32700);
    say('[1]');
    assert.deepEqual((await next()).error?.code, -32700);
    say('');
    say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    say({ ...call(3), params: { name: 'list_projects', arguments: { text: 'x'.repeat(1_100_000) } } });
    const large = await next();
    assert.deepEqual([large.id, large.error?.message], [3, 'The request body is too large.']);
    say(call(4));
    assert.equal((await next()).id, 4);
    await end();
  });

  test('ends what is cancelled, and passes nothing on of it', async () => {
    const { say, next, end } = openBridge();
    const pipeline = await app.api.post<{ id: number }>(
      `/pipelines/application/${(await app.api.post<{ id: number }>(`/environments/${app.environmentId}/applications`, { name: 'a', repository: 'o/r' })).id}`,
      { name: 'p', operation: 'deploy', default_steps: false, steps: [{ command: 'sleep 300' }] },
    );
    const { id } = await app.api.post<{ id: number }>(`/pipelines/${pipeline.id}/actions`, {});
    say(call(1, 'wait_for_action', { action_id: id }));
    say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    say(call(2));
    assert.equal((await next()).id, 2);
    await end();
  });

  test('ends with a sentence and 3 where nobody is signed in', async () => {
    const { code, output } = await runCommand({ HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' }, [
      'mcp',
    ]);
    assert.equal(code, 3);
    assert.match(output, /You are not signed in.*hookline login/);
  });
});
