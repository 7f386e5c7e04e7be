import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { pino } from 'pino';
import { Client } from 'pg';
import { guardRoutes } from '../src/accounts/access.ts';
import type { Access } from '../src/accounts/access.ts';
import { hashPassword } from '../src/accounts/passwords.ts';
import { accountRoutes } from '../src/accounts/routes.ts';
import { actionRoutes } from '../src/actions/routes.ts';
import { hookRoutes } from '../src/hooks/routes.ts';
import { incomingRoutes } from '../src/incoming/routes.ts';
import { applicationRoutes } from '../src/inventory/applications/routes.ts';
import { credentialRoutes } from '../src/inventory/credentials/routes.ts';
import { placeRoutes } from '../src/inventory/places/routes.ts';
import { serverRoutes } from '../src/inventory/servers/routes.ts';
import { variableRoutes } from '../src/inventory/variables/routes.ts';
import { outgoingRoutes } from '../src/outgoing/routes.ts';
import { pipelineRoutes } from '../src/pipelines/routes.ts';
import { createHttpApp } from '../src/platform/http/server.ts';
import type { HttpApp } from '../src/platform/http/server.ts';
import { createApiClient, login } from './support/api-client.ts';
import type { ApiAnswer, ApiClient, LoginTokens } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
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
      if (refreshed.status === 200) assert.equal((await me(refreshed.body.access_token)).status, 401);
    });

    describe('what belongs to others', () => {
      let workplace: Workplace;
      let stranger: ApiClient;
      let viewer: ApiClient;
      /** Ids of the administrator's objects, by the name of the parameter in an address. */
      let ids: Record<string, string | number>;
      let incomingHook: string;
      let outgoingHook: string;
      let secretToken: string;

      before(async () => {
        workplace = await openWorkplace(server);
        const { api, environmentId, organizationId, projectId } = workplace;
        const application = await createApplication(workplace);
        const pipeline_id = await createPipeline(workplace, application, ['echo hello']);
        const hook = await createIncomingHook(workplace, pipeline_id);
        incomingHook = hook.id;
        outgoingHook = await createOutgoingHook(workplace, pipeline_id, 'http://127.0.0.1:9/');
        const { body } = await sendSigned(server, hook, '{}');
        const action = await untilAction(workplace, body.action_id ?? assert.fail('no action'));
        const machine = await api.post<{ id: number }>(`/environments/${environmentId}/servers`, {
          hostname: 'web-1',
        });
        const variable = await api.post<{ id: number }>(`/applications/${application.id}/variables`, {
          key: 'A',
          value: 'b',
        });
        const pipeline = await api.get<{ steps: { id: number }[] }>(`/pipelines/${pipeline_id}`);
        secretToken = application.accessToken;
        ids = {
          organization_id: organizationId,
          project_id: projectId,
          environment_id: environmentId,
          credential_id: application.credentialId,
          application_id: application.id,
          server_id: machine.id,
          variable_id: variable.id,
          pipeline_id,
          step_id: pipeline.steps[0]!.id,
          action_id: action.id,
          target_id: (action.targets as { id: number }[])[0]!.id,
          order: 1,
          hook_request_id: body.hook_request_id,
          resource_type: 'application',
          resource_id: application.id,
        };
        const outsider = await addUser(database, 'stranger@example.com');
        await addOrganization(database, outsider.id);
        const onlooker = await addUser(database, 'viewer@example.com');
        await run(
          database,
          'insert into memberships (organization_id, user_id, role, created_at) values ($1, $2, $3, $4)',
          [organizationId, onlooker.id, 'viewer', Date.now()],
        );
        stranger = createApiClient(
          server.url,
          (await login(server.url, outsider.email, outsider.password)).access_token,
        );
        viewer = createApiClient(
          server.url,
          (await login(server.url, onlooker.email, onlooker.password)).access_token,
        );
      });

      function addressOf({ url, access }: GuardedRoute): string {
        return url.replace('/api', '').replaceAll(/:(\w+)/g, (_, name: string) => {
          if (name === 'hook_id') return url.includes('/outgoing/') ? outgoingHook : incomingHook;
          // The lists of servers' hooks name the server by the common parameter of both lists.
          if (name === 'resource_id' && typeof access === 'object' && access.on === 'server')
            return String(ids.server_id);
          return String(ids[name] ?? assert.fail(`no object for :${name} of ${url}`));
        });
      }

      /** A body good enough to come as far as the permission check where that needs one. */
      function bodyFor(route: GuardedRoute): object | undefined {
        if (typeof route.access !== 'object' || route.access.on !== 'named-in-body') return undefined;
        return {
          name: 'x',
          resource_type: 'application',
          resource_id: ids.application_id,
          action_type: 'deploy',
          target_url: 'https://example.com/',
        };
      }

      const guarded = registeredRoutes().filter(({ access }) => typeof access === 'object');

      test('nobody gets anything without a token', async () => {
        assert.ok(guarded.length > 40);
        for (const route of registeredRoutes().filter(({ access }) => access !== 'public')) {
          const answer = await anonymous().request(
            route.method,
            addressOf({ ...route, url: route.url.replace(':token_id', 'x') }),
            bodyFor(route),
          );
          assert.equal(answer.status, 401, `${route.method} ${route.url}`);
        }
      });

      test('a member of another organization is answered 404 for every object, whatever is asked of it', async () => {
        for (const route of guarded) {
          const answer = await stranger.request<Refusal>(route.method, addressOf(route), bodyFor(route));
          assert.equal(answer.status, 404, `${route.method} ${route.url}`);
          assert.ok(!JSON.stringify(answer.body).includes('hello'));
        }
      });

      test('someone else’s object and one that does not exist are answered in the same words', async () => {
        for (const [mine, none] of [
          [`/applications/${ids.application_id}`, '/applications/999999'],
          [`/hooks/incoming/${incomingHook}`, '/hooks/incoming/11111111-1111-4111-8111-111111111111'],
        ] as const) {
          const [theirs, nothing] = [
            await stranger.request<Refusal>('GET', mine),
            await stranger.request<Refusal>('GET', none),
          ];
          const id = (path: string) => path.split('/').at(-1)!;
          assert.equal(
            theirs.body.message.replace(id(mine), 'ID'),
            nothing.body.message.replace(id(none), 'ID'),
          );
        }
      });

      test('the lists of a member of another organization hold nothing of ours', async () => {
        for (const path of ['/actions', '/projects', '/organizations', '/users/personal-access-tokens']) {
          const ours = JSON.stringify(await workplace.api.get<{ id: unknown }[]>(path));
          const theirs = await stranger.get<{ id: number }[]>(path);
          if (path === '/actions' || path.startsWith('/users')) assert.deepEqual(theirs, [], path);
          else assert.ok(!theirs.some(({ id }) => ours.includes(`"id":${id},`)), path);
        }
      });

      test("someone else's personal access token cannot be read, rotated or revoked", async () => {
        const { id, token } = await workplace.api.post<Token>('/users/personal-access-tokens', {
          name: 'mine',
          expires_at: inDays(1),
        });
        const path = `/users/personal-access-tokens/${id}`;
        assert.equal((await stranger.request('GET', path)).status, 404);
        assert.equal(
          (await stranger.request('POST', `${path}/rotate`, { expires_at: inDays(1) })).status,
          404,
        );
        assert.equal((await stranger.request('DELETE', `${path}/revoke`)).status, 404);
        assert.equal((await me(token!)).status, 200);
      });

      test('a credential of another organization cannot be used', async () => {
        const [environment] = await run(
          database,
          'select e.id from environments e join projects p on p.id = e.project_id join organizations o on o.id = p.organization_id where o.url_slug = $1',
          ['strangers'],
        );
        const answer = await stranger.request<{ errors: { field: string }[] }>(
          'POST',
          `/environments/${String(environment?.id)}/applications`,
          {
            name: 'thief',
            repository: 'a/b',
            credential_id: ids.credential_id,
          },
        );
        assert.equal(answer.status, 422);
        assert.equal(answer.body.errors[0]?.field, 'credential_id');
      });

      test('a viewer reads everything of the organization, and no secret', async () => {
        const reads = guarded.filter(({ access }) => permissionOf(access).endsWith(':read'));
        assert.ok(reads.length > 20);
        for (const route of reads) {
          const answer = await viewer.request(route.method, addressOf(route));
          assert.equal(answer.status, 200, `${route.method} ${route.url}`);
          assert.ok(!JSON.stringify(answer.body).includes(secretToken), route.url);
        }
      });

      test('a viewer is answered 403 for every change, with the permission that is missing', async () => {
        for (const route of guarded.filter(({ access }) => !permissionOf(access).endsWith(':read'))) {
          const answer = await viewer.request<Refusal>(route.method, addressOf(route), bodyFor(route));
          assert.equal(answer.status, 403, `${route.method} ${route.url}`);
          assert.ok(answer.body.message.includes(permissionOf(route.access)), answer.body.message);
        }
        const hook = await workplace.api.get<{ name: string }>(`/hooks/incoming/${incomingHook}`);
        assert.equal(hook.name, 'in');
      });

      test('a role that this version does not know may do nothing', async () => {
        const odd = await addUser(database, 'odd@example.com');
        for (const role of ['constructor', '__proto__', 'emperor']) {
          await run(database, 'delete from memberships where user_id = $1', [odd.id]);
          await run(
            database,
            'insert into memberships (organization_id, user_id, role, created_at) values ($1, $2, $3, $4)',
            [workplace.organizationId, odd.id, role, Date.now()],
          );
          const { access_token } = await login(server.url, odd.email, odd.password);
          const answer = await createApiClient(server.url, access_token).request(
            'GET',
            `/applications/${ids.application_id}`,
          );
          assert.equal(answer.status, 404, role);
        }
      });
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

test('a route that does not declare its access is refused when it is registered', () => {
  const app = createHttpApp({ log: pino({ level: 'silent' }), trustProxy: [] });
  guardRoutes(app, {} as never);
  assert.throws(
    () => app.get('/forgotten', async () => 'open to all'),
    /GET \/forgotten does not declare its access/,
  );
  assert.doesNotThrow(() => app.get('/open', { config: { access: 'public' } }, async () => 'open to all'));
});

type GuardedRoute = { method: string; url: string; access: Access };

/** Every route of the API but the one that senders call, as the program registers them. */
function registeredRoutes(): GuardedRoute[] {
  const routes: GuardedRoute[] = [];
  const app = createHttpApp({ log: pino({ level: 'silent' }), trustProxy: [] });
  guardRoutes(app, {} as never);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (method !== 'HEAD') routes.push({ method: String(method), url, access: config?.access ?? 'public' });
  });
  const features: ((api: HttpApp, context: never) => void)[] = [
    accountRoutes,
    placeRoutes,
    credentialRoutes,
    applicationRoutes,
    serverRoutes,
    variableRoutes,
    pipelineRoutes,
    hookRoutes,
    actionRoutes,
    outgoingRoutes,
    incomingRoutes,
  ];
  // Nothing is called: registering needs no database.
  for (const feature of features) feature(app, {} as never);
  return routes;
}

function permissionOf(access: Access): string {
  return typeof access === 'object' ? access.permission : '';
}

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

/** With a project and an environment, all of them the user's. */
async function addOrganization(database: TestDatabase, userId: number): Promise<void> {
  const now = Date.now();
  const insert = async (statement: string, values: (string | number)[]) =>
    Number((await run(database, `${statement} returning id`, values))[0]?.id);
  const organization = await insert(
    'insert into organizations (name, url_slug, owner_user_id, created_at, updated_at) values ($1, $2, $3, $4, $5)',
    ['Strangers', 'strangers', userId, now, now],
  );
  await run(
    database,
    'insert into memberships (organization_id, user_id, role, created_at) values ($1, $2, $3, $4)',
    [organization, userId, 'owner', now],
  );
  const project = await insert(
    'insert into projects (organization_id, name, created_by, created_at, updated_at) values ($1, $2, $3, $4, $5)',
    [organization, 'Theirs', userId, now, now],
  );
  await insert(
    'insert into environments (project_id, type, name, created_by, created_at, updated_at) values ($1, $2, $3, $4, $5, $6)',
    [project, 'production', 'production', userId, now, now],
  );
}
