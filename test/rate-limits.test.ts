import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readConfig } from '../src/config.ts';
import { createApiClient } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import { createApplication, createIncomingHook, createPipeline, sendSigned } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { createTeam, invite } from './support/people.ts';

type Refusal = { message: string; errors: null };

/** The least that can be set: what a token may send in a minute; an address may send twice as much. */
const perMinute = 60;
const megabyte = 1024 * 1024;

/** Runs the app with the least limit; its clock stands still, so that nothing is given back but by the test. */
async function startLimited(env: Record<string, string> = {}) {
  const database = await createTestDatabase('sqlite');
  const limits = { HOOKLINE_REQUESTS_PER_MINUTE: String(perMinute) };
  const app = await startInProcessApp({ database, env: { ...limits, ...env } });
  const stop = async () => {
    await app.stop();
    await database.drop();
  };
  return { app, database, stop };
}

describe('the limit of requests', () => {
  let app: InProcessApp;
  let database: TestDatabase;
  let stop: () => Promise<void>;
  let addresses = 0;

  before(async () => {
    ({ app, database, stop } = await startLimited({ HOOKLINE_TRUST_PROXY: '127.0.0.1' }));
  });
  after(() => stop?.());

  /** An address that has sent nothing so far. */
  const newAddress = () => `198.51.100.${++addresses}`;
  /** A token that has sent nothing so far. */
  async function newToken(): Promise<string> {
    const expires_at = new Date(app.clock.now() + 3_600_000).toISOString();
    const path = '/users/personal-access-tokens';
    const body = { name: 'fresh', expires_at };
    const answer = await app.api.request<{ token: string }>('POST', path, body, from(newAddress()));
    assert.equal(answer.status, 201);
    return answer.body.token;
  }
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const ask = (token: string | undefined, address: string): Promise<ApiAnswer<Refusal>> =>
    createApiClient(app.url, token).request('GET', '/users/me', undefined, from(address));

  async function statuses(count: number, one: () => Promise<{ status: number }>): Promise<number[]> {
    return (await Promise.all(Array.from({ length: count }, one))).map(({ status }) => status);
  }
  const times = (count: number, status: number) => Array.from({ length: count }, () => status);

  test('a token may send so many requests a minute, from wherever, and hears when to go on', async () => {
    const token = await newToken();
    assert.deepEqual(await statuses(perMinute, () => ask(token, newAddress())), times(perMinute, 200));
    const refused = await ask(token, newAddress());
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.match(refused.headers.get('content-type') ?? '', /^application\/json/);
    assert.match(refused.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual(Object.keys(refused.body), ['message', 'errors']);
    assert.match(refused.body.message, /token: 60 a minute/);
    assert.equal(refused.body.errors, null);
    assert.equal((await ask(await newToken(), newAddress())).status, 200, 'another token pays for it');
  });

  test('what was used up comes back with time, and no more than a minute holds', async () => {
    const token = await newToken();
    await statuses(perMinute, () => ask(token, newAddress()));
    assert.equal((await ask(token, newAddress())).status, 429);
    await app.clock.jump(1000);
    assert.deepEqual(await statuses(2, () => ask(token, newAddress())), [200, 429]);
    await app.clock.jump(3_000_000);
    assert.deepEqual(await statuses(perMinute + 1, () => ask(token, newAddress())), [
      ...times(perMinute, 200),
      429,
    ]);
  });

  test('an address may send twice as many, whoever it is, and others are not held up', async () => {
    const address = newAddress();
    const tokens = [await newToken(), await newToken(), await newToken()];
    for (const token of tokens.slice(0, 2))
      assert.deepEqual(await statuses(perMinute, () => ask(token, address)), times(perMinute, 200));
    const refused = await ask(tokens[2], address);
    assert.equal(refused.status, 429);
    assert.match(refused.body.message, /address: 120 a minute/);
    assert.equal((await ask(tokens[2], newAddress())).status, 200);
    await app.clock.jump(60_000);
    assert.equal((await ask(tokens[2], address)).status, 200);
  });

  test('a flood without a token is limited, and after that costs no look into the database', async () => {
    const address = newAddress();
    const made = `hl_pat_${'x'.repeat(43)}`;
    const burst = 2 * perMinute;
    let sent = 0;
    const first = await statuses(burst - 1, () => ask(sent++ % 2 === 0 ? made : undefined, address));
    assert.deepEqual(first, times(burst - 1, 401));
    // Whoever asks the database now hears of a fault.
    await executeSql(database, 'alter table personal_access_tokens rename to away');
    try {
      assert.equal((await ask(made, address)).status, 500);
      assert.deepEqual(await statuses(20, () => ask(made, address)), times(20, 429));
    } finally {
      await executeSql(database, 'alter table away rename to personal_access_tokens');
    }
  });

  test('signing in is limited with all the rest, before a password is looked at', async () => {
    const address = newAddress();
    await statuses(2 * perMinute, () => ask(undefined, address));
    const login = { email: 'admin@example.com', password: 'correct-horse-battery' };
    const anonymous = createApiClient(app.url);
    assert.equal((await anonymous.request('POST', '/users/login', login, from(address))).status, 429);
    assert.equal((await anonymous.request('POST', '/users/login', login, from(newAddress()))).status, 200);
  });

  test('requests to hooks are not counted, and are taken from an address that has used up its own', async () => {
    const place = { ...app, api: createApiClient(app.url, await newToken()) };
    const hook = await createIncomingHook(place, await createPipeline(place, await createApplication(place)));
    const address = newAddress();
    const trigger = () => sendSigned(app, hook, '{}', { headers: from(address) });
    assert.deepEqual(await statuses(2 * perMinute + 10, trigger), times(2 * perMinute + 10, 202));
    const first = await statuses(2 * perMinute, () => ask(undefined, address));
    assert.deepEqual(first, times(2 * perMinute, 401), 'the requests to the hook were counted');
    assert.equal((await ask(undefined, address)).status, 429);
    assert.equal((await trigger()).status, 202);
  });

  test('the page of an invitation is limited too, and says so to people', async () => {
    await app.clock.jump(60_000);
    const team = await createTeam(app);
    const { link } = await invite(app.api, team.id);
    const headers = from(newAddress());
    await statuses(2 * perMinute, () => fetch(link, { headers }));
    const refused = await fetch(link, { headers });
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.match(await refused.text(), /role="alert">Too many requests/);
  });

  test('whether the process lives is told in every flood', async () => {
    const headers = from(newAddress());
    await statuses(2 * perMinute, () => fetch(`${app.url}/readyz`, { headers }));
    assert.equal((await fetch(`${app.url}/readyz`, { headers })).status, 429);
    assert.equal((await fetch(`${app.url}/healthz`, { headers })).status, 200);
  });

  test('of a chain of proxies only the part that a trusted one has written counts', async () => {
    const address = newAddress();
    let forged = 0;
    const ofForged = () => `203.0.113.${++forged % 250}, ${address}`;
    await statuses(2 * perMinute, () => ask(undefined, ofForged()));
    assert.equal((await ask(undefined, ofForged())).status, 429);
    assert.equal((await ask(undefined, newAddress())).status, 401);
  });
});

test('without a trusted proxy nobody gets a new allowance by naming another address', async () => {
  const { app, stop } = await startLimited();
  try {
    const ask = (number: number) =>
      createApiClient(app.url).request('GET', '/users/me', undefined, {
        'x-forwarded-for': `203.0.113.${number}`,
      });
    const answers = await Promise.all(Array.from({ length: 2 * perMinute }, (_, index) => ask(index)));
    // A few were used up by the start of the test itself.
    assert.ok(answers.some(({ status }) => status === 429));
    assert.equal((await ask(250)).status, 429);
    await app.clock.jump(60_000);
    const path = `/organizations/${app.organizationId}`;
    const forged = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' };
    assert.equal((await app.api.request('PUT', path, { name: 'Renamed' }, forged)).status, 204);
    const [event] = await app.api.get<{ ip_address: string }[]>(`${path}/audit-events`);
    assert.equal(event?.ip_address, '127.0.0.1');
  } finally {
    await stop();
  }
});

test('fewer than 60 requests a minute cannot be set: people would lock themselves out', () => {
  const read = (value: string) => readConfig({ HOOKLINE_REQUESTS_PER_MINUTE: value });
  assert.equal(read('60').config.requestsPerMinute, 60);
  for (const value of ['59', '0', '-1', '60.5', 'many', '1000001'])
    assert.throws(() => read(value), /HOOKLINE_REQUESTS_PER_MINUTE/, value);
});

describe('the size of what is sent and listed', () => {
  let app: InProcessApp;
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase('sqlite');
    app = await startInProcessApp({ database });
  });
  after(async () => {
    await app?.stop();
    await database?.drop();
  });

  const ofSize = (bytes: number) => {
    const [head, tail] = ['{"name":"', '"}'];
    return `${head}${'x'.repeat(bytes - head.length - tail.length)}${tail}`;
  };

  test('a body of up to a megabyte is read; a larger one is answered 413, announced or not', async () => {
    const path = `/organizations/${app.organizationId}/teams`;
    assert.equal((await app.api.request('POST', path, ofSize(megabyte))).status, 422);
    const refused = await app.api.request<Refusal>('POST', path, ofSize(megabyte + 1));
    assert.equal(refused.status, 413);
    assert.deepEqual(refused.body, { message: 'The request body is too large.', errors: null });
    assert.match(refused.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
    const streamed = await fetch(`${app.url}/api${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${app.api.token}`, 'content-type': 'application/json' },
      body: new Blob([ofSize(megabyte + 1)]).stream(),
      duplex: 'half',
    });
    assert.equal(streamed.status, 413);
  });

  test('a list has 20 rows unless told, at most 100, and never more', async () => {
    const path = `/organizations/${app.organizationId}/teams`;
    const now = app.clock.now();
    const row = (number: number) => `(${app.organizationId}, 'team ${number}', 1, ${now}, ${now})`;
    await executeSql(
      database,
      `insert into teams (organization_id, name, created_by, created_at, updated_at)
       values ${Array.from({ length: 130 }, (_, number) => row(number)).join(', ')}`,
    );
    const length = async (query: string) => (await app.api.get<unknown[]>(`${path}${query}`)).length;
    assert.equal(await length(''), 20);
    assert.equal(await length('?per_page=100'), 100);
    assert.equal(await length('?per_page=100&page=2'), 30);
    assert.equal((await app.api.request('GET', `${path}?per_page=101`)).status, 422);
  });
});
