import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createApiClient, login } from './support/api-client.ts';
import { createTestDatabase, databaseKinds, type TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import { createApplication, createPipeline, untilAction } from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';

const admin = { email: 'admin@example.com', password: 'correct-horse-battery' };
const own = { 'x-hookline-csrf': '1' };
const dayMs = 24 * 3_600_000;

for (const kind of databaseKinds) {
  describe(`the session of a browser on ${kind}`, () => {
    let database: TestDatabase;
    let app: InProcessApp;

    before(async () => {
      database = await createTestDatabase(kind);
      app = await startInProcessApp({ database });
    });
    after(async () => {
      await app?.stop();
      await database?.drop();
    });

    const send = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
      createApiClient(app.url).request<{ message: string; email: string }>(method, path, body, headers);
    const signIn = async () => {
      const answer = await send('POST', '/session', {}, admin);
      assert.equal(answer.status, 200);
      const header = answer.headers.get('set-cookie') ?? '';
      return { answer, header, cookie: header.split(';')[0]! };
    };
    const me = async (headers: Record<string, string>) => (await send('GET', '/users/me', headers)).status;

    test('signing in answers the user and a cookie that no script reads and no other site sends', async () => {
      const { answer, header, cookie } = await signIn();
      assert.equal(answer.body.email, admin.email);
      assert.match(
        header,
        /^hookline_session=hl_ses_[\w-]{43}; Path=\/api; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
      );
      assert.doesNotMatch(JSON.stringify(answer.body), /hl_/);
      assert.equal(await me({ cookie: `theme=dark; ${cookie}` }), 200);
    });

    test('signing out ends the session and the cookie, and no other session', async () => {
      const [mine, other] = [await signIn(), await signIn()];
      const answer = await send('DELETE', '/session', { ...own, cookie: mine.cookie });
      assert.equal(answer.status, 204);
      assert.match(answer.headers.get('set-cookie') ?? '', /^hookline_session=; Path=\/api; Max-Age=0;/);
      assert.equal(await me({ cookie: mine.cookie }), 401);
      assert.equal(await me({ cookie: other.cookie }), 200);
    });

    test('a change by cookie alone is refused, whoever forged it', async () => {
      const { cookie } = await signIn();
      const add = (headers: Record<string, string>) =>
        send('POST', '/organizations', { cookie, ...headers }, { name: 'Forged' });
      const forged: Record<string, string>[] = [
        {},
        { 'x-hookline-csrf': '0' },
        { ...own, 'sec-fetch-site': 'cross-site' },
      ];
      for (const headers of [...forged, { ...own, 'sec-fetch-site': 'same-site' }]) {
        const { status, body } = await add(headers);
        assert.equal(status, 403, JSON.stringify(headers));
        assert.match(body.message, /^A (change|page) .*\.$/);
      }
      assert.equal((await send('DELETE', '/session', { cookie })).status, 403);
      const { body } = await createApiClient(app.url).request<{ name: string }[]>(
        'GET',
        '/organizations',
        undefined,
        { cookie },
      );
      assert.ok(!body.some(({ name }) => name === 'Forged'));
      assert.equal((await add({ ...own, 'sec-fetch-site': 'same-origin' })).status, 201);
    });

    test('another site can neither read by cookie nor sign a browser in', async () => {
      const { cookie } = await signIn();
      assert.equal(await me({ cookie, 'sec-fetch-site': 'cross-site' }), 403);
      assert.equal(await me({ cookie, 'sec-fetch-site': 'same-origin' }), 200);
      const answer = await send('POST', '/session', { 'sec-fetch-site': 'cross-site' }, admin);
      assert.equal(answer.status, 403);
      assert.equal(answer.headers.get('set-cookie'), null);
    });

    test('a token in the header counts, and the cookie beside it does not', async () => {
      const { cookie } = await signIn();
      assert.equal(await me({ cookie, authorization: 'Bearer hl_at_wrong' }), 401);
      const { access_token } = await login(app.url, admin.email, admin.password);
      const headers = { authorization: `Bearer ${access_token}`, cookie: 'hookline_session=hl_ses_wrong' };
      assert.equal((await send('POST', '/organizations', headers, { name: 'By token' })).status, 201);
    });

    test('the text of a cookie is no token, nor a token the text of a cookie', async () => {
      const { cookie } = await signIn();
      assert.equal(await me({ authorization: `Bearer ${cookie.split('=')[1]}` }), 401);
      const { access_token, refresh_token } = await login(app.url, admin.email, admin.password);
      assert.equal(await me({ cookie: `hookline_session=${access_token}` }), 401);
      assert.equal(await me({ cookie: `hookline_session=${refresh_token}` }), 401);
    });

    test('the events of an action come to whoever has the cookie', async () => {
      const { cookie } = await signIn();
      const application = await createApplication(app);
      const pipeline = await createPipeline(app, application, ['echo seen']);
      const { id } = await app.api.post<{ id: number }>(`/pipelines/${pipeline}/actions`, {});
      await untilAction(app, id);
      const path = `${app.url}/api/actions/${id}/events`;
      const events = await fetch(path, { headers: { cookie } });
      assert.match(await events.text(), /seen[\s\S]*event: end\n/);
      assert.equal((await fetch(path, { headers: { cookie: 'hookline_session=hl_ses_no' } })).status, 401);
    });

    test('a session lasts while it is used, and ends 30 days after', async () => {
      const [used, unused] = [await signIn(), await signIn()];
      // As if the days had passed.
      const age = (days: number) =>
        executeSql(database, `update sessions set access_expires_at = access_expires_at - ${days * dayMs}`);
      for (let count = 0; count < 2; count++) {
        await age(20);
        const answer = await send('GET', '/users/me', { cookie: used.cookie });
        assert.equal(answer.status, 200);
        // The browser's own count begins again too.
        assert.equal(answer.headers.get('set-cookie'), used.header);
      }
      const again = await send('GET', '/users/me', { cookie: used.cookie });
      assert.equal(again.headers.get('set-cookie'), null);
      assert.equal(await me({ cookie: unused.cookie }), 401);
      await age(30);
      assert.equal(await me({ cookie: used.cookie }), 401);
    });

    test('guesses are limited, together with those of the other way to sign in', async () => {
      const guess = { email: 'nobody@example.com', password: 'guess' };
      for (let count = 0; count < 10; count++) {
        const path = count % 2 ? '/session' : '/users/login';
        assert.equal((await send('POST', path, {}, guess)).status, 401);
      }
      const answer = await send('POST', '/session', {}, guess);
      assert.equal(answer.status, 429);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
      assert.equal(answer.headers.get('set-cookie'), null);
    });
  });
}

test('where the public address is https below a path, the cookie is secure and stays below it', async () => {
  const database = await createTestDatabase('sqlite');
  const env = { HOOKLINE_URL: 'https://example.com/hookline/' };
  const app = await startInProcessApp({ database, env });
  try {
    const answer = await createApiClient(app.url).request('POST', '/session', admin);
    assert.match(answer.headers.get('set-cookie') ?? '', /; Path=\/hookline\/api; .*; Secure$/);
  } finally {
    await app.stop();
    await database.drop();
  }
});
