import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import type { HookRegistry, IncomingHook } from '../src/hooks/registry.ts';
import { createShed } from '../src/incoming/shed.ts';

const known = randomUUID();
const unread = randomUUID();

/** One request of an address that is over its limit, and whom it reached. */
async function send(
  request: { uuid?: string; url?: string; method?: string; headers?: Record<string, string> },
  {
    wait = 7,
    active = 1,
    requires_secret = true,
    ids = () => Promise.resolve(new Set([known, unread])),
  } = {},
) {
  const definition = { requires_secret, secret_algorithm: 'sha256', secret_header_name: 'x-signature' };
  // Safe, here and below: this much of them is used.
  const hook = { row: { id: 1, active }, definition, secret: 'It is secret' } as unknown as IncomingHook;
  const seen = { reached: 'nobody', asked: 0, counted: 0, headers: [] as string[] };
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (whom: string) => {
    seen.reached = whom;
    resolve();
  };
  const registry = {
    knownIncoming: (uuid: string) => (uuid === known ? hook : undefined),
    incomingIds: ids,
    incoming: async () => {
      seen.asked++;
      return hook;
    },
  } as unknown as HookRegistry;
  const shed = createShed({
    registry,
    unverified: { take: () => undefined, wait: () => wait },
    refusals: { count: () => void seen.counted++, stop: async () => undefined },
    trustProxy: false,
  });
  const { uuid = known, url = `/api/hooks/${uuid}/trigger`, method = 'POST', headers = {} } = request;
  const response = {
    writeHead: (status: number, list: string[]) => {
      seen.headers = list;
      return { end: () => done(String(status)) };
    },
  } as unknown as ServerResponse;
  const incoming = { method, url, headers, socket: { remoteAddress: '192.0.2.1' } };
  shed(incoming as unknown as IncomingMessage, response, () => done('the app'));
  await promise;
  return seen;
}

const signed = { 'x-signature': 'f'.repeat(64) };

describe('of an address that is over its limit', () => {
  test('what has no signature reaches nobody, and is counted', async () => {
    const unsigned: Record<string, string>[] = [{}, { 'x-signature': '' }, { 'x-signature': 'f'.repeat(63) }];
    for (const headers of unsigned) {
      const { reached, counted, asked } = await send({ headers });
      assert.deepEqual([reached, counted, asked], ['429', 1, 0]);
    }
    assert.equal((await send({ url: `/api/hooks/${known.toUpperCase()}/trigger?token=x` })).reached, '429');
  });

  test('what may be signed goes its way, also to a hook that is not in memory', async () => {
    assert.equal((await send({ headers: signed })).reached, 'the app');
    const { reached, asked } = await send({ uuid: unread, headers: signed });
    assert.deepEqual([reached, asked], ['the app', 1]);
    assert.equal((await send({ uuid: unread })).reached, '429');
    assert.equal((await send({}, { requires_secret: false })).reached, 'the app');
    assert.equal((await send({ headers: signed }, { active: 0 })).reached, '429');
  });

  test('guesses of hooks cost no query', async () => {
    const { reached, asked, counted } = await send({ uuid: randomUUID(), headers: signed });
    assert.deepEqual([reached, asked, counted], ['429', 0, 0]);
  });

  test('while the database cannot be asked, it is told to wait', async () => {
    const ids = () => Promise.reject(new Error('away'));
    assert.equal((await send({ uuid: unread, headers: signed }, { ids })).reached, '429');
  });

  test('the connection is kept where reading the body costs less than a new one', async () => {
    const isClosed = async (headers: Record<string, string>) =>
      (await send({ headers })).headers.includes('close');
    assert.equal(await isClosed({}), false);
    assert.equal(await isClosed({ 'content-length': '65536' }), false);
    assert.equal(await isClosed({ 'content-length': '65537' }), true);
    assert.equal(await isClosed({ 'transfer-encoding': 'chunked' }), true);
  });

  test('all that is no request to a hook goes its way', async () => {
    assert.equal((await send({ method: 'GET' })).reached, 'the app');
    assert.equal((await send({ url: '/api/projects' })).reached, 'the app');
    assert.equal((await send({ url: `/api/hooks/${known}/triggers` })).reached, 'the app');
  });
});

test('of an address within its limit everything goes its way', async () => {
  assert.equal((await send({}, { wait: 0 })).reached, 'the app');
});
