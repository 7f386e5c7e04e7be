import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { until } from './support/api-client.ts';
import { openCli } from './support/cli.ts';
import type { CliEnd } from './support/cli.ts';
import { createTestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';
import type { TcpProxy } from './support/tcp-proxy.ts';

describe('the live commands', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let work: Workplace;
  let proxy: TcpProxy;
  let pipeline: number;
  let pipelineName: string;

  before(async () => {
    const database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    const server = ends.adopt(
      await startServer({ database, env: { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' } }),
      (started) => started.stop(),
    );
    work = await openWorkplace(server);
    proxy = ends.adopt(await startTcpProxy(() => Number(new URL(server.url).port)), (one) => one.stop());
    pipeline = await createPipeline(work, await createApplication(work), ['true'], { name: 'deploy it' });
    pipelineName = 'deploy it';
  });

  const act = async (): Promise<number> =>
    (await work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {})).id;
  const outgoing = (fields: Record<string, unknown> = {}): Promise<string> =>
    createOutgoingHook(work, pipeline, 'http://127.0.0.1:1/', {
      settings: { request_body: { text: 'täg {{ action.status }} {{ action.id }}' } },
      trigger_when: { events: ['action.completed'] },
      signing: true,
      ...fields,
    });
  const receiverFor = async (t: TestContext): Promise<Receiver> => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    return receiver;
  };
  const remove = (t: TestContext, hook: string) =>
    t.after(async () => void (await work.api.request('DELETE', `/hooks/outgoing/${hook}`)));

  /** The command as it goes on; `stop` is ctrl-C. */
  function start(
    t: TestContext,
    words: string[],
    options: { url?: string; columns?: number; answers?: string[]; typed?: AsyncIterable<string> } = {},
  ) {
    const { url = work.url, ...rest } = options;
    const cli = openCli(t, { HOOKLINE_URL: url, HOOKLINE_TOKEN: work.api.token ?? '' });
    const controller = new AbortController();
    let stdout = '';
    let stderr = '';
    const ended = cli.run(words, {
      ...rest,
      signal: controller.signal,
      onOutput: (text) => (stdout = text),
      onErrors: (text) => (stderr = text),
    });
    t.after(() => controller.abort());
    const stop = (): Promise<CliEnd> => {
      controller.abort();
      return ended;
    };
    return {
      ended,
      stop,
      lines: () => stdout.split('\n').filter((line) => line !== ''),
      said: () => stderr,
      until: (pattern: RegExp) => until(async () => pattern.test(stdout + stderr), String(pattern)),
    };
  }

  test('tail shows each request, action and delivery in a line: time, kind, status, name, reason', async (t) => {
    const receiver = await receiverFor(t);
    const out = await outgoing({ name: 'the status page', target_url: receiver.url });
    remove(t, out);
    const hook = await createIncomingHook(work, pipeline, {
      name: 'push to main',
      trigger_when: { conditions: [{ type: 'request_body', path: 'ref', accepted_values: ['main'] }] },
    });
    const tail = start(t, ['tail']);
    await tail.until(/waiting for events/);
    await sendSigned(work, hook, '{"ref":"other\\u001b[2J"}');
    const run = await sendSigned(work, hook, '{"ref":"main"}');
    const id = run.body.action_id!;
    await tail.until(/delivered/);
    const end = await tail.stop();
    assert.equal(end.code, 130);
    assert.doesNotMatch(end.stderr, /lost/);
    const lines = tail.lines();
    assert.match(
      lines[0]!,
      /^\d\d:\d\d:\d\d {2}request {3}skipped {6}push to main {2}Condition 1 of 1 is not met/,
    );
    assert.match(lines[1]!, /^\d\d:\d\d:\d\d {2}request {3}accepted {5}push to main {2}.*\d/);
    const action = (status: string) =>
      lines.findIndex((line) => line.includes(`action    ${status.padEnd(11)}  #${id} deploy it`));
    const order = ['pending', 'queued', 'in-progress', 'completed'].map(action);
    assert.ok(
      order.every((index) => index >= 0),
      lines.join('\n'),
    );
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
    assert.match(
      lines.at(-1)!,
      new RegExp(`delivery {2}delivered {4}the status page: action.completed of #${id} `),
    );
    assert.ok(!end.stdout.includes('\u001b'));
  });

  test('tail filters by kind, hook, pipeline and failure, tells of the past, and ends when not followed', async (t) => {
    const failing = await createPipeline(work, await createApplication(work), ['exit 3'], { name: 'breaks' });
    const { id } = await work.api.post<TestAction>(`/pipelines/${failing}/actions`, {});
    await untilAction(work, id);
    const cli = openCli(t, { HOOKLINE_URL: work.url, HOOKLINE_TOKEN: work.api.token ?? '' });
    const past = ['tail', '--since', '5m', '--no-follow', '--json'];
    type Told = { id: string; type: string; data: Record<string, unknown> };
    const told = async (...words: string[]): Promise<Told[]> => {
      const { stdout } = await cli.succeed([...past, ...words]);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Told);
    };
    assert.ok((await told('--only', 'actions')).every(({ type }) => type === 'action'));
    const broken = await told('--failed', '--pipeline', 'breaks');
    assert.deepEqual(
      broken.map(({ data }) => [data['id'], data['status']]),
      [[id, 'failed']],
    );
    const ofHook = await told('--hook', 'push to main');
    assert.deepEqual([...new Set(ofHook.map(({ type }) => type))], ['request']);
    for (const [words, code, sentence] of [
      [['--only', 'everything'], 2, /takes requests, actions, deliveries/],
      [['--since', 'yesterday'], 2, /is no time/],
      [['--hook', 'nobody'], 4, /no hook "nobody"/],
      [['--pipeline', 'nobody'], 4, /no pipeline "nobody"/],
      [['--environment', '987654'], 4, /no environment 987654/],
    ] as const) {
      const end = await cli.run(['tail', '--no-follow', ...words]);
      assert.equal(end.code, code, end.stderr);
      assert.match(end.stderr, sentence);
    }
  });

  test('tail says when the connection drops and when it is back, and has left nothing out', async (t) => {
    const tail = start(t, ['tail', '--only', 'actions', '--json'], { url: `http://127.0.0.1:${proxy.port}` });
    await tail.until(/waiting for events/);
    await untilAction(work, await act());
    await tail.until(/completed/);
    proxy.refuse();
    const missed = [await act(), await act()];
    for (const id of missed) await untilAction(work, id);
    await tail.until(/The connection was lost; trying again/);
    proxy.accept();
    await tail.until(/Connected again/);
    await until(async () => {
      const seen = tail.lines().map((line) => JSON.parse(line) as { data: { id: number; status: string } });
      return missed.every((id) => seen.filter(({ data }) => data.id === id).length === 4);
    }, 'all that happened meanwhile, once');
    assert.equal(tail.said().match(/The connection was lost/g)?.length, 1);
    await tail.stop();
  });

  test('listen forwards each delivery with headers and body to the address given, and its signature is right', async (t) => {
    const out = await outgoing({ name: 'to develop', signing: true });
    remove(t, out);
    const { secret } = await work.api.post<{ secret: string }>(`/hooks/outgoing/${out}/rotate-secret`, {});
    const receiver = await receiverFor(t);
    const listen = start(t, ['listen', 'to develop', '--forward', `${receiver.url}/here?and=there`]);
    await listen.until(/waiting for deliveries/);
    const id = await act();
    const [got] = await receiver.waitFor(1);
    await listen.until(/200 OK in \d+ ms/);
    assert.equal(got.method, 'POST');
    assert.equal(got.path, '/here?and=there');
    assert.equal(got.headers.host, `127.0.0.1:${receiver.port}`);
    assert.deepEqual(got.json(), { text: `täg completed ${id}` });
    const headers = got.headers as Record<string, string>;
    assert.doesNotThrow(() => new Webhook(secret).verify(got.body, headers));
    assert.equal(headers['authorization'], undefined);
    assert.match(
      listen.lines()[0]!,
      new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}#1 {2}action.completed of action ${id} {2}200 OK in`),
    );
    assert.equal((await listen.stop()).code, 130);
    const calls = receiver.requests.length;
    await untilAction(work, await act());
    assert.equal(receiver.requests.length, calls, 'nothing after the end');
  });

  test('a receiver that is down or answers badly is told, and the delivery is repeated when asked', async (t) => {
    const out = await outgoing({ name: 'repeated' });
    remove(t, out);
    const receiver = await receiverFor(t);
    receiver.setBehaviour((_request, index) =>
      index === 0 ? { kind: 'reset' } : { kind: 'answer', status: index === 1 ? 500 : 204 },
    );
    const keys = typing();
    const listen = start(t, ['listen', out, '--forward', receiver.url], { typed: keys.lines });
    await listen.until(/waiting for deliveries/);
    const id = await act();
    await listen.until(/no answer: .*"f" and Enter/);
    keys.type('f');
    await listen.until(/500 Internal Server Error in/);
    keys.type('nonsense');
    await listen.until(/"r" repeats the last/);
    keys.type('r 7');
    await listen.until(/no such delivery/);
    keys.type('r 1');
    await listen.until(/204 No Content in/);
    const bodies = receiver.requests.map((request) => request.body);
    assert.deepEqual(
      bodies,
      Array.from({ length: 3 }, () => `{"text":"täg completed ${id}"}`),
    );
    const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
    assert.equal(new Set(ids).size, 1, 'under the same id');
    await listen.stop();
  });

  test('a program that hangs is not waited for longer than asked, and others are not held up by it', async (t) => {
    const out = await outgoing({ name: 'hanging' });
    remove(t, out);
    const receiver = await receiverFor(t);
    receiver.setBehaviour((_request, index) =>
      index === 0
        ? { kind: 'hang' }
        : { kind: 'answer', status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    );
    const listen = start(t, ['listen', out, '--forward', receiver.url, '--timeout', '1']);
    await listen.until(/waiting for deliveries/);
    await act();
    await receiver.waitFor(1);
    await act();
    // A redirect is an answer: nothing goes to any other address.
    await listen.until(/302/);
    await listen.until(/no answer: nothing within 1 s/);
    await listen.stop();
  });

  test('an address with a certificate of its own is refused, and taken when asked', async (t) => {
    const out = await outgoing({ name: 'secure' });
    remove(t, out);
    const receiver = await startReceiver({ tls: true });
    t.after(() => receiver.close());
    const careful = start(t, ['listen', out, '--forward', receiver.url]);
    const trusting = start(t, ['listen', out, '--forward', receiver.url, '--insecure']);
    await careful.until(/waiting for deliveries/);
    await trusting.until(/waiting for deliveries/);
    await act();
    await careful.until(/no answer: .*certificate/);
    await trusting.until(/200 OK/);
    assert.equal(receiver.requests.length, 1);
    await Promise.all([careful.stop(), trusting.stop()]);
  });

  test('a huge body, and one with every kind of line end, comes as it was made', async (t) => {
    const ends = 'u\u2028v\u2029w\r\nx\n\ny\u0085z';
    const long = Array.from({ length: 25 }, () => '0123456789'.repeat(800));
    const out = await outgoing({
      name: 'huge',
      settings: { request_body: { id: '{{ action.id }}', ends, long } },
    });
    remove(t, out);
    const receiver = await receiverFor(t);
    const listen = start(t, ['listen', out, '--forward', receiver.url]);
    await listen.until(/waiting for deliveries/);
    const id = await act();
    const [got] = await receiver.waitFor(1);
    assert.deepEqual(got.json(), { id: String(id), ends, long });
    await listen.stop();
  });

  test('deliveries of one action come in order, also when the first is slow', async (t) => {
    const out = await outgoing({
      name: 'ordered',
      settings: { request_body: '{{ action.id }} {{ event }}' },
      trigger_when: { events: ['action.created', 'action.started', 'action.completed'] },
    });
    remove(t, out);
    const receiver = await receiverFor(t);
    receiver.setBehaviour(({ body }) => ({
      kind: 'answer',
      status: 200,
      ...(body.includes('created') ? { delayMs: 150 } : {}),
    }));
    const listen = start(t, ['listen', out, '--forward', receiver.url]);
    await listen.until(/waiting for deliveries/);
    const ids = [await act(), await act(), await act()];
    await receiver.waitFor(9);
    for (const id of ids) {
      const own = receiver.requests.map(({ body }) => body).filter((body) => body.startsWith(`${id} `));
      assert.deepEqual(
        own,
        ['action.created', 'action.started', 'action.completed'].map((event) => `${id} ${event}`),
      );
    }
    await listen.stop();
  });

  test('listen --create makes a hook that sends nothing itself, and deletes it at the end, also on ctrl-C', async (t) => {
    const receiver = await receiverFor(t);
    const hooks = async () =>
      (
        await work.api.get<{ name: string; active: boolean }[]>(`/pipelines/${pipeline}/hooks?per_page=100`)
      ).filter(({ name }) => name.includes('temporary'));
    const words = ['listen', '--create', pipelineName, '--forward', String(receiver.port)];
    const listen = start(t, [...words, '--events', 'action.completed', '--show-secret']);
    await listen.until(/waiting for deliveries/);
    assert.deepEqual(
      (await hooks()).map(({ active }) => active),
      [false],
    );
    const id = await act();
    const [got] = await receiver.waitFor(1);
    const [, secret = ''] = /Its secret: (whsec_\S+)/.exec(listen.said()) ?? [];
    assert.doesNotThrow(() => new Webhook(secret).verify(got.body, got.headers as Record<string, string>));
    assert.equal((got.json() as { data: { action: { id: number } } }).data.action.id, id);
    const end = await listen.stop();
    assert.equal(end.code, 130);
    assert.match(end.stderr, /The temporary hook was deleted/);
    assert.deepEqual(await hooks(), []);
    // Also when nothing came of it.
    const wrong = await openCli(t, { HOOKLINE_URL: work.url, HOOKLINE_TOKEN: work.api.token ?? '' }).run([
      ...words,
      '--events',
      'action.exploded',
    ]);
    assert.equal(wrong.code, 1, wrong.stderr);
    assert.deepEqual(await hooks(), []);
  });

  test('listen whose reader has had enough deletes its hook too, as a real program', async (t) => {
    const main = join(import.meta.dirname, '..', 'src', 'main.mjs');
    const child = spawn(process.execPath, [main, 'listen', '--create', pipelineName, '--print'], {
      env: { ...process.env, HOOKLINE_URL: work.url, HOOKLINE_TOKEN: work.api.token ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const hooks = async () => {
      const all = await work.api.get<{ name: string }[]>(`/pipelines/${pipeline}/hooks?per_page=100`);
      return all.filter(({ name }) => name.includes('temporary')).length;
    };
    await until(async () => (await hooks()) === 1, 'the hook');
    // `| head`
    child.stdout.destroy();
    await act();
    assert.deepEqual(await exited, [0, null]);
    assert.equal(await hooks(), 0);
  });

  test('listen shows what is sent, masked; says why something is not; and tells of the past', async (t) => {
    const out = await outgoing({
      name: 'printed',
      target_url: 'http://127.0.0.1:1/?key=written-secret-0123',
      settings: {
        request_headers: [
          { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
        ],
        request_body: { evil: '\u001b[2J{{ action.id }}' },
      },
    });
    remove(t, out);
    const unmet = await outgoing({
      name: 'unmet',
      trigger_when: {
        events: ['action.completed'],
        conditions: [{ path: 'action.type', accepted_values: ['stop'] }],
      },
    });
    remove(t, unmet);
    const id = await act();
    await untilAction(work, id);
    const shown = start(t, ['listen', 'printed', '--print', '--since', '5m']);
    await shown.until(new RegExp(`${id}`));
    await shown.until(/webhook-signature/);
    const end = await shown.stop();
    assert.match(end.stdout, /POST http:\/\/127\.0\.0\.1:1\//);
    assert.match(end.stdout, /authorization: \*{8}/);
    assert.doesNotMatch(end.stdout + end.stderr, /ghp_|written-secret/);
    assert.ok(!end.stdout.includes('\u001b'));
    assert.match(end.stderr, /Masked, as they hold secrets: authorization/);
    const skipped = start(t, ['listen', 'unmet', '--print', '--since', '5m']);
    await skipped.until(/skipped: Condition 1 of 1 is not met/);
    await skipped.stop();
  });

  test('without a hook one is chosen on a terminal, and listed elsewhere; bad input gets a sentence', async (t) => {
    const names = ['first one', 'second one'];
    for (const name of names) remove(t, await outgoing({ name }));
    const cli = openCli(t, { HOOKLINE_URL: work.url, HOOKLINE_TOKEN: work.api.token ?? '' });
    const listed = await cli.run(['listen', '--print']);
    assert.equal(listed.code, 2);
    for (const name of names) assert.match(listed.stderr, new RegExp(`\\d {2}${name} {2}[0-9a-f-]{36}`));
    const [, number = ''] = /(\d+) {2}second one/.exec(listed.stderr) ?? [];
    const chosen = start(t, ['listen', '--print'], { columns: 100, answers: [number] });
    await chosen.until(/Hook "second one": waiting/);
    await chosen.stop();
    for (const [words, code, sentence] of [
      [['first one'], 2, /--forward http:\/\/localhost:3000/],
      [['first one', '--forward', 'ftp://localhost/'], 2, /is no address/],
      [['first one', '--forward', 'http://me:secret@localhost/'], 2, /no name or password/],
      [['first one', '--print', '--events', 'action.created'], 2, /asks for: action.completed/],
      [['nobody', '--print'], 4, /no outgoing hook "nobody"/],
      [['01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f', '--print'], 4, /no hook 01938f2c/],
      [['--create', 'nobody', '--print'], 4, /no pipeline "nobody"/],
      [['first one', '--create', 'x', '--print'], 2, /not both/],
      [['first one', '--print', '--timeout', 'soon'], 2, /number from 1 to 3600/],
    ] as const) {
      const end = await cli.run(['listen', ...words]);
      assert.equal(end.code, code, `${words.join(' ')}: ${end.stderr}`);
      assert.match(end.stderr, sentence);
      assert.doesNotMatch(end.stderr, /me:secret/);
    }
  });
});

/** A person who types lines. */
function typing() {
  const lines: string[] = [];
  let more = Promise.withResolvers<void>();
  return {
    type(line: string) {
      lines.push(line);
      more.resolve();
    },
    lines: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          while (lines.length > 0) yield lines.shift()!;
          more = Promise.withResolvers();
          await more.promise;
        }
      },
    },
  };
}
