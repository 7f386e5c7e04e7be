import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { Client } from 'pg';
import { hashPassword } from '../src/accounts/passwords.ts';
import { createApiClient, login } from './support/api-client.ts';
import type { ApiAnswer, LoginTokens } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const ADMIN = { email: 'admin@example.com', password: 'correct-horse-battery' };
const DAY_MS = 86_400_000;

type Refusal = { message: string; errors: unknown };
type Token = { id: string; name: string; token: string | null; status: string; last_used_at: string | null };

const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

for (const kind of databaseKinds) {
  describe(`accounts on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database });
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
    });

    const anonymous = () => createApiClient(server.url);
    const signIn = (body: object): Promise<ApiAnswer<LoginTokens & Refusal>> =>
      anonymous().request('POST', '/users/login', body);
    const me = (token: string) =>
      createApiClient(server.url, token).request<Refusal & { email: string }>('GET', '/users/me');

    test('the right password gives tokens that open the account', async () => {
      const { status, body } = await signIn(ADMIN);
      assert.equal(status, 200);
      assert.equal(body.token_type, 'Bearer');
      assert.ok(body.expires_in > 0);
      const answer = await me(body.access_token);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.email, ADMIN.email);
      assert.equal((await signIn({ ...ADMIN, email: ' Admin@EXAMPLE.com ' })).status, 200);
    });

    test('a wrong password and an unknown e-mail are told alike', async () => {
      const password = await signIn({ ...ADMIN, password: 'wrong' });
      const email = await signIn({ ...ADMIN, email: 'nobody@example.com' });
      assert.equal(password.status, 401);
      assert.equal(email.status, 401);
      assert.deepEqual(password.body, email.body);
      assert.equal((await signIn(ADMIN)).status, 200);
    });

    test('a login without its fields is answered 422 and names them all', async () => {
      const answer = await anonymous().request<{ errors: { field: string }[] }>('POST', '/users/login', {});
      assert.equal(answer.status, 422);
      assert.deepEqual(answer.body.errors.map(({ field }) => field).sort(), ['email', 'password']);
    });

    test('a refresh token serves once, and what it gave before ends', async () => {
      const first = await login(server.url, ADMIN.email, ADMIN.password);
      const body = { refresh_token: first.refresh_token };
      const renewed = await anonymous().request<LoginTokens>('POST', '/users/refresh-token', body);
      assert.equal(renewed.status, 200);
      assert.notEqual(renewed.body.access_token, first.access_token);
      assert.equal((await me(renewed.body.access_token)).status, 200);
      assert.equal((await me(first.access_token)).status, 401);
      assert.equal((await anonymous().request('POST', '/users/refresh-token', body)).status, 401);
      const swapped = { refresh_token: renewed.body.access_token };
      assert.equal((await anonymous().request('POST', '/users/refresh-token', swapped)).status, 401);
      assert.equal((await me(renewed.body.refresh_token)).status, 401);
    });

    test('two uses of a refresh token at the same instant give one pair of tokens', async () => {
      const { refresh_token } = await login(server.url, ADMIN.email, ADMIN.password);
      const answers = await Promise.all(
        Array.from({ length: 5 }, () =>
          anonymous().request('POST', '/users/refresh-token', { refresh_token }),
        ),
      );
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401, 401, 401, 401]);
    });

    test('logout ends the session, its refresh token too, and no other session', async () => {
      const [one, other] = [
        await login(server.url, ADMIN.email, ADMIN.password),
        await login(server.url, ADMIN.email, ADMIN.password),
      ];
      const answer = await createApiClient(server.url, one.access_token).request('GET', '/users/logout');
      assert.equal(answer.status, 204);
      assert.equal((await me(one.access_token)).status, 401);
      const body = { refresh_token: one.refresh_token };
      assert.equal((await anonymous().request('POST', '/users/refresh-token', body)).status, 401);
      assert.equal((await me(other.access_token)).status, 200);
    });

    test('an access token and a refresh token end when their time is over', async () => {
      const tokens = await login(server.url, ADMIN.email, ADMIN.password);
      await run(database, `update sessions set access_expires_at = $1`, [Date.now() - 1]);
      const expired = await me(tokens.access_token);
      assert.equal(expired.status, 401);
      assert.match(expired.body.message, /expired/);
      await run(database, `update sessions set refresh_expires_at = $1`, [Date.now() - 1]);
      const body = { refresh_token: tokens.refresh_token };
      assert.equal((await anonymous().request('POST', '/users/refresh-token', body)).status, 401);
    });

    test('no token, half a token and a made-up one are answered 401 with how to sign in', async () => {
      const { access_token } = await login(server.url, ADMIN.email, ADMIN.password);
      for (const authorization of [
        '',
        'Bearer',
        'Bearer ',
        access_token,
        `Basic ${access_token}`,
        `Bearer ${access_token}x`,
        `Bearer ${access_token.slice(0, -1)}`,
        'Bearer hl_pat_',
        "Bearer ' or 1=1",
      ]) {
        const answer = await anonymous().request<Refusal>('GET', '/users/me', undefined, { authorization });
        assert.equal(answer.status, 401, authorization);
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
        assert.match(answer.body.message, /token/i);
      }
    });

    test('a personal access token is shown once, works, is listed and read without its text', async () => {
      const api = await server.login();
      const created = await api.request<Token>('POST', '/users/personal-access-tokens', {
        name: 'ci',
        expires_at: inDays(30),
      });
      assert.equal(created.status, 201);
      const { id, token } = created.body;
      assert.match(token ?? '', /^hl_pat_.{40,}$/);
      assert.equal((await me(token!)).status, 200);
      const read = await api.request<Token>('GET', `/users/personal-access-tokens/${id}`);
      assert.equal(read.body.token, null);
      assert.equal(read.body.status, 'active');
      assert.ok(read.body.last_used_at, 'its use was not noted');
      const list = await api.request<Token[]>('GET', '/users/personal-access-tokens');
      assert.equal(list.body[0]?.id, id);
      for (const answer of [read, list]) assert.ok(!JSON.stringify(answer.body).includes(token!));
      const [row] = await run(database, 'select * from personal_access_tokens where id = $1', [id]);
      assert.ok(!JSON.stringify(row).includes(token!), 'the database holds the text of the token');
    });

    test('rotating a personal access token ends its old text', async () => {
      const api = await server.login();
      const created = await api.post<Token>('/users/personal-access-tokens', {
        name: 'ci',
        expires_at: inDays(1),
      });
      const path = `/users/personal-access-tokens/${created.id}`;
      const rotated = await api.post<Token>(`${path}/rotate`, { expires_at: inDays(60) });
      assert.equal(rotated.id, created.id);
      assert.notEqual(rotated.token, created.token);
      assert.equal((await me(created.token!)).status, 401);
      assert.equal((await me(rotated.token!)).status, 200);
    });

    test('a revoked personal access token ends for good', async () => {
      const api = await server.login();
      const { id, token } = await api.post<Token>('/users/personal-access-tokens', {
        name: 'ci',
        expires_at: inDays(1),
      });
      const path = `/users/personal-access-tokens/${id}`;
      assert.equal((await api.request('DELETE', `${path}/revoke`)).status, 204);
      assert.equal((await api.request('DELETE', `${path}/revoke`)).status, 204);
      const refused = await me(token!);
      assert.equal(refused.status, 401);
      assert.match(refused.body.message, /revoked/);
      assert.equal((await api.get<Token>(path)).status, 'revoked');
      assert.equal((await api.request('POST', `${path}/rotate`, { expires_at: inDays(1) })).status, 422);
      assert.equal((await me(token!)).status, 401);
    });

    test('an expired personal access token is refused as such', async () => {
      const api = await server.login();
      const { id, token } = await api.post<Token>('/users/personal-access-tokens', {
        name: 'ci',
        expires_at: inDays(1),
      });
      await run(database, 'update personal_access_tokens set expires_at = $1 where id = $2', [
        Date.now() - 1,
        id,
      ]);
      const refused = await me(token!);
      assert.equal(refused.status, 401);
      assert.match(refused.body.message, /expired/);
      assert.equal((await api.get<Token>(`/users/personal-access-tokens/${id}`)).status, 'expired');
    });

    test('a personal access token without a name, or for the past, is refused', async () => {
      const api = await server.login();
      for (const body of [
        { expires_at: inDays(1) },
        { name: '', expires_at: inDays(1) },
        { name: 'x' },
        { name: 'x', expires_at: inDays(-1) },
        { name: 'x', expires_at: 'tomorrow' },
      ]) {
        const answer = await api.request('POST', '/users/personal-access-tokens', body);
        assert.equal(answer.status, 422, JSON.stringify(body));
      }
    });

    test('an account that is switched off cannot sign in, and its tokens end', async () => {
      const user = await addUser(database, 'off@example.com');
      const tokens = await login(server.url, user.email, user.password);
      const api = createApiClient(server.url, tokens.access_token);
      const { token } = await api.post<Token>('/users/personal-access-tokens', {
        name: 'ci',
        expires_at: inDays(1),
      });
      await run(database, 'update users set active = 0 where id = $1', [user.id]);
      assert.equal((await signIn(user)).status, 401);
      assert.equal((await me(tokens.access_token)).status, 401);
      assert.equal((await me(token!)).status, 401);
      const refreshed = await anonymous().request<LoginTokens>('POST', '/users/refresh-token', {
        refresh_token: tokens.refresh_token,
      });
      assert.equal(refreshed.status, 401);
    });
  });
}

describe('the throttle of sign-ins', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server?.stop());
  const attempt = (email: string, password: string) =>
    createApiClient(server.url).request<Refusal>('POST', '/users/login', { email, password });

  test('guesses sent all at once are throttled as those one after the other, with Retry-After', async () => {
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, index) => attempt('guessed@example.com', `guess ${index}`)),
    );
    const wrong = answers.filter(({ status }) => status === 401).length;
    const next = await attempt('guessed@example.com', 'one more');
    assert.equal(next.status, 429);
    assert.match(next.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
    assert.ok(Number(next.headers.get('retry-after')) <= 900);
    assert.ok(wrong <= 10, `${wrong} guesses were tried`);
    // The address is throttled too: a guesser does not go on with other accounts, nor with the right password.
    assert.equal((await attempt(ADMIN.email, ADMIN.password)).status, 429);
  });
});

type Row = Record<string, unknown>;

/** Runs one statement with `$1` … in the database of a running server. */
async function run(database: TestDatabase, statement: string, values: (string | number)[]): Promise<Row[]> {
  if (database.kind === 'postgres') {
    const client = new Client({ connectionString: database.env.DATABASE_URL });
    try {
      await client.connect();
      return (await client.query<Row>(statement, values)).rows;
    } finally {
      await client.end();
    }
  }
  const file = join(database.env.HOOKLINE_DATA ?? assert.fail('no HOOKLINE_DATA'), 'hookline.db');
  const sqlite = new SqliteDatabase(file, { timeout: 5000 });
  try {
    const prepared = sqlite.prepare<(string | number)[], Row>(statement.replaceAll(/\$\d+/g, '?'));
    if (prepared.reader) return prepared.all(...values);
    prepared.run(...values);
    return [];
  } finally {
    sqlite.close();
  }
}

async function addUser(
  database: TestDatabase,
  email: string,
): Promise<{ id: number; email: string; password: string }> {
  const password = `password of ${email}`;
  const now = Date.now();
  const [user] = await run(
    database,
    'insert into users (name, email, password_hash, active, created_at, updated_at) values ($1, $2, $3, $4, $5, $6) returning id',
    [email, email, await hashPassword(password), 1, now, now],
  );
  return { id: Number(user?.id), email, password };
}
