import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  addPipelineAction,
  createHooklineClient,
  deleteEnvironment,
  events,
  getAction,
  getActionLogs,
  HooklineError,
  listActions,
  pages,
  updateEnvironment,
  type HooklineOptions,
} from '#sdk';
import { startReceiver, type Receiver, type ReceivedRequest } from './support/receiver.ts';
import type { Behaviour } from './support/behaviour.ts';
import { freePort } from './support/free-port.ts';

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Behaviour => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const busy = (status = 503, retryAfter = '0') =>
  json(status, { message: 'Busy.' }, { 'retry-after': retryAfter });
const path = { action_id: 7 };

async function failureOf(promise: Promise<unknown>): Promise<HooklineError> {
  const error: unknown = await promise.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HooklineError, String(error));
  return error;
}

test('the waits grow and are spread', async (t) => {
  const waits: number[] = [];
  const real = globalThis.setTimeout;
  // Safe: nobody else is there yet who sets a timer.
  t.mock.method(globalThis, 'setTimeout', ((run: () => void, ms: number) => {
    waits.push(ms);
    return real(run, 0);
  }) as typeof setTimeout);
  const refuse: typeof fetch = async () => new Response('', { status: 502 });
  const client = createHooklineClient({ baseUrl: 'http://nowhere/api', retries: 6, fetch: refuse });
  for (let run = 0; run < 20; run++) await failureOf(getAction({ client, path }));
  assert.equal(waits.length, 120);
  for (const [index, wait] of waits.entries()) {
    const whole = Math.min(5000, 300 * 2 ** (index % 6));
    assert.ok(wait >= whole / 2 && wait <= whole, `${wait} after ${index % 6}`);
  }
  assert.ok(new Set(waits).size > 60);
});

describe('calls of the SDK', { timeout: 600_000 }, () => {
  let server: Receiver;
  let behaviours: Behaviour[] = [];
  before(async () => {
    server = await startReceiver({ behave: () => behaviours.shift() ?? json(200, { id: 7 }) });
  });
  after(() => server.close());
  let begun = 0;
  beforeEach(() => {
    begun = server.requests.length;
    behaviours = [];
  });
  const arrived = (): readonly ReceivedRequest[] => server.requests.slice(begun);
  const connect = (options: Partial<HooklineOptions> = {}) =>
    createHooklineClient({ baseUrl: `${server.url}/api`, token: 'secret', ...options });

  const passing: Record<string, Behaviour> = {
    'a lost connection': { kind: 'reset' },
    'an answer that breaks off': {
      kind: 'half',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: 7 }),
    },
    ...Object.fromEntries([408, 429, 500, 502, 503, 504].map((status) => [`a ${status}`, busy(status)])),
  };
  for (const [what, behaviour] of Object.entries(passing)) {
    test(`reading is repeated after ${what}`, async () => {
      behaviours = [behaviour];
      const client = connect();
      assert.equal((await getAction({ client, path })).id, 7);
      assert.equal(arrived().length, 2);
      for (const { headers } of arrived()) assert.equal(headers.authorization, 'Bearer secret');
    });
  }

  for (const status of [400, 401, 403, 404, 409, 410, 413, 415, 422, 501])
    test(`a ${status} is told at once`, async () => {
      behaviours = [busy(status)];
      assert.equal((await failureOf(getAction({ client: connect(), path }))).status, status);
      assert.equal(arrived().length, 1);
    });

  test('twice, or as often as asked for; then the last refusal is told', async () => {
    behaviours = Array.from({ length: 10 }, () => busy());
    const error = await failureOf(getAction({ client: connect(), path }));
    assert.deepEqual([error.status, error.code, error.message], [503, 'unavailable', 'Busy.']);
    assert.equal(arrived().length, 3);
    await failureOf(getAction({ client: connect({ retries: 0 }), path }));
    assert.equal(arrived().length, 4);
    await failureOf(getAction({ client: connect({ retries: 1 }), path }));
    assert.equal(arrived().length, 6);
  });

  test('PUT and DELETE are repeated only when the server says that it did nothing, with the same body', async () => {
    const client = connect();
    const environment = { client, path: { environment_id: 1 } };
    for (const status of [429, 503]) {
      behaviours = [busy(status)];
      await updateEnvironment({ ...environment, body: { name: 'Zoë' } });
      behaviours = [busy(status)];
      await deleteEnvironment(environment);
    }
    assert.deepEqual(
      arrived().map(({ method, body }) => [method, body]),
      ['PUT', 'PUT', 'DELETE', 'DELETE', 'PUT', 'PUT', 'DELETE', 'DELETE'].map((method) => [
        method,
        method === 'PUT' ? '{"name":"Zoë"}' : '',
      ]),
    );
    const unknown: Behaviour[] = [
      { kind: 'reset' },
      busy(500),
      busy(502),
      json(503, { message: 'Perhaps.' }),
    ];
    for (const behaviour of unknown) {
      begun = server.requests.length;
      behaviours = [behaviour];
      await failureOf(deleteEnvironment(environment));
      assert.equal(arrived().length, 1, JSON.stringify(behaviour));
    }
  });

  test('a POST is never repeated', async () => {
    for (const behaviour of [busy(429), busy(503), { kind: 'reset' } as const]) {
      begun = server.requests.length;
      behaviours = [behaviour];
      await failureOf(addPipelineAction({ client: connect(), path: { pipeline_id: 1 }, body: {} }));
      assert.equal(arrived().length, 1);
    }
  });

  test('is not repeated before the time that the server names, and not waited for when that is long', async (t) => {
    behaviours = [busy(429, '1')];
    await getAction({ client: connect(), path });
    const [first, second] = arrived();
    assert.ok(second!.at - first!.at >= 1000, `${second!.at - first!.at} ms`);

    behaviours = [busy(429, '31')];
    const error = await failureOf(getAction({ client: connect(), path }));
    assert.deepEqual([error.code, error.retryAfterSeconds], ['too_many', 31]);

    t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 21, 8, 0, 0) });
    behaviours = [busy(503, 'Sat, 21 Nov 2026 09:00:00 GMT')];
    assert.equal((await failureOf(getAction({ client: connect(), path }))).retryAfterSeconds, 3600);
    for (const nonsense of ['soon', '-1', '']) {
      behaviours = [busy(422, nonsense)];
      assert.equal((await failureOf(getAction({ client: connect(), path }))).retryAfterSeconds, null);
    }
  });

  test('ends with the signal of the call or of the client, while it waits and while it is under way', async () => {
    const reason = new Error('enough');
    for (const behaviour of [busy(503, '20'), { kind: 'hang' } as const])
      for (const own of [true, false]) {
        begun = server.requests.length;
        behaviours = [behaviour];
        const ending = new AbortController();
        const call = getAction({
          client: connect(own ? {} : { signal: ending.signal }),
          path,
          ...(own ? { signal: ending.signal } : {}),
        });
        const failed = assert.rejects(call, (error) => error === reason);
        await server.waitFor(() => arrived().length === 1);
        // Its answer may be on the way: aborted then, too, it must not be made again.
        ending.abort(reason);
        await failed;
        assert.equal(arrived().length, 1);
      }
    const waiting = new AbortController();
    const begunAt = Date.now();
    const client = connect({
      fetch: async () => {
        setImmediate(() => waiting.abort(reason));
        return new Response(null, { status: 503, headers: { 'retry-after': '20' } });
      },
    });
    await assert.rejects(getAction({ client, path, signal: waiting.signal }), (error) => error === reason);
    assert.ok(Date.now() - begunAt < 10_000);

    const ended = AbortSignal.abort(reason);
    await assert.rejects(
      getAction({ client: connect({ signal: ended }), path }),
      (error) => error === reason,
    );
    begun = server.requests.length;
    behaviours = [{ kind: 'hang' }];
    const late = getAction({ client: connect(), path, signal: AbortSignal.timeout(50) });
    await assert.rejects(late, { name: 'TimeoutError' });
    await server.waitFor(() => arrived().length === 1);
  });

  test('a signal ends a call however long ago the garbage was taken away', async () => {
    setFlagsFromString('--expose-gc');
    // Safe: that is what the flag makes.
    const takeGarbage = runInNewContext('gc') as () => void;
    const text: Behaviour = { kind: 'drip', body: 'x'.repeat(10_000), everyMs: 10 };
    for (const own of [true, false])
      for (const what of ['waits', 'is read'] as const) {
        const ending = new AbortController();
        const client = connect(own ? {} : { signal: ending.signal });
        const signal = own ? ending.signal : undefined;
        begun = server.requests.length;
        behaviours = [what === 'waits' ? { kind: 'hang' } : text];
        const call =
          what === 'waits'
            ? updateEnvironment({ client, signal, path: { environment_id: 1 }, body: { name: 'x' } })
            : getActionLogs({ client, signal, path });
        const ended = assert.rejects(call, { name: 'AbortError' }, `${what}, ${own}`);
        await server.waitFor(() => arrived().length === 1);
        for (let round = 0; round < 3; round++) {
          takeGarbage();
          await new Promise(setImmediate);
        }
        ending.abort();
        await ended;
      }
  });

  test('a server that is away is unreachable; what cannot be called at all is what it is', async () => {
    const away = connect({ baseUrl: `http://127.0.0.1:${await freePort()}/api` });
    const error = await failureOf(getAction({ client: away, path }));
    assert.deepEqual([error.code, error.status, error.requestId], ['unreachable', 0, null]);
    await assert.rejects(getAction({ client: connect({ baseUrl: 'nowhere' }), path }), TypeError);
    const token = () => Promise.reject(new Error('the keyring is locked'));
    await assert.rejects(getAction({ client: connect({ token }), path }), {
      message: 'the keyring is locked',
    });
    assert.equal(arrived().length, 0);
  });

  test('an answer that cannot be read says so', async () => {
    const headers = { 'content-type': 'application/json', 'x-request-id': 'r-1' };
    behaviours = [{ kind: 'half', headers, body: '{"id": 7}' }];
    const broken = await failureOf(getAction({ client: connect({ retries: 0 }), path }));
    assert.deepEqual([broken.code, broken.requestId], ['unreachable', 'r-1']);
    assert.equal(broken.message, 'The answer of the server broke off.');
    behaviours = [
      { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '{"id"' },
    ];
    const nonsense = await failureOf(getAction({ client: connect(), path }));
    assert.deepEqual([nonsense.code, nonsense.status], ['unexpected', 200]);
    behaviours = [{ kind: 'answer', status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad' }];
    const proxy = await failureOf(getAction({ client: connect({ retries: 0 }), path }));
    assert.deepEqual([proxy.code, proxy.message], ['internal', 'The server answered 502.']);
  });

  test('a page in place of the API, as of an address without /api, is an error that says so', async () => {
    behaviours = [
      { kind: 'answer', status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<p>' },
    ];
    const error = await failureOf(getAction({ client: connect({ baseUrl: server.url }), path }));
    assert.equal(error.code, 'unexpected');
    assert.match(error.message, /\/actions\/7 is a web page, not the API\. The baseUrl ends in \/api/);
    assert.equal(arrived().length, 1);
  });

  test('a list is read on page by page, and no further than it is looked at', async () => {
    const page = (number: number) => {
      const link = (rel: string, to: number) => `<https://elsewhere/api/actions?page=${to}>; rel="${rel}"`;
      const next = number < 3 ? `${link('next', number + 1)}, ` : '';
      return json(200, [{ id: number * 2 }, { id: number * 2 + 1 }], { link: `${next}${link('last', 3)}` });
    };
    behaviours = [page(1), busy(), page(2), page(3)];
    const client = connect();
    const all = await Array.fromAsync(pages(listActions, { client, query: { per_page: 2 } }));
    assert.deepEqual(
      all.map(({ id }) => id),
      [2, 3, 4, 5, 6, 7],
    );
    assert.match(arrived().at(-1)!.path, /page=3/);
    begun = server.requests.length;
    behaviours = [page(1), page(2)];
    for await (const { id } of pages(listActions, { client })) if (id === 3) break;
    assert.equal(arrived().length, 1);
  });

  test('a stream that drops is taken up after the last event, and ends with the signal of the client', async () => {
    const event = (id: number) => `id: ${id}\nevent: log\ndata: {"step_id":1,"content":"${id}"}\n\n`;
    const headers = { 'content-type': 'text/event-stream' };
    const whole = (body: string): Behaviour => ({ kind: 'answer', status: 200, headers, body });
    // Half of what there is, and as much again.
    const cut = (body: string): Behaviour => ({
      kind: 'half',
      headers,
      body: body + ' '.repeat(body.length),
    });
    behaviours = [
      cut(`retry: 1000\n\n${event(1)}${event(2)}id: 3\nevent: log\nda`),
      { kind: 'reset' },
      whole(`${event(2)}${event(3)}event: end\ndata: {}\n\n`),
    ];
    const seen: number[] = [];
    for await (const { id } of events(7, { client: connect() })) seen.push(id);
    assert.deepEqual(seen, [1, 2, 3]);
    assert.deepEqual(
      arrived().map(({ headers }) => headers['last-event-id']),
      [undefined, '2', '2'],
    );

    behaviours = [cut(event(1))];
    const ending = new AbortController();
    const reason = new Error('enough');
    const following = Array.fromAsync(events(7, { client: connect({ signal: ending.signal }) }), () =>
      ending.abort(reason),
    );
    await assert.rejects(following, (error) => error === reason);
    behaviours = [{ kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' }];
    const page = await failureOf(Array.fromAsync(events(7, { client: connect() })));
    assert.equal(page.code, 'unexpected');
    for (const status of [401, 404]) {
      behaviours = [busy(status)];
      const refused = await failureOf(Array.fromAsync(events(7, { client: connect() })));
      assert.equal(refused.status, status);
    }
  });
});
