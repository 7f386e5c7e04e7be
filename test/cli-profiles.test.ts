import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCli } from './support/cli.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { freePort } from './support/free-port.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';

const email = 'admin@example.com';
const password = 'correct-horse-battery';

describe('signing in on the command line', () => {
  let database: TestDatabase;
  let app: InProcessApp;
  before(async () => {
    database = await createTestDatabase('sqlite');
    app = await startInProcessApp({ database });
  });
  after(async () => {
    await app.stop();
    await database.drop();
  });
  const now = () => app.clock.now();
  const login = () => ['login', app.url, '--email', email, '--password-stdin'];

  test('login keeps a token that works, in a file that its owner alone can read, and never shows it', async (t) => {
    const cli = openCli(t);
    const end = await cli.succeed(login(), { input: `${password}\n`, now });
    const path = join(cli.folder, 'hookline', 'profiles.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(cli.folder, 'hookline')).mode & 0o777, 0o700);
    const { profiles } = JSON.parse(readFileSync(path, 'utf8')) as {
      profiles: { default: { token: string } };
    };
    assert.match(profiles.default.token, /^hl_pat_/);
    assert.doesNotMatch(end.stdout + end.stderr, /hl_pat_|correct-horse/);
    assert.match(readFileSync(path, 'utf8'), /^(?!.*correct-horse)/s);
    assert.match((await cli.succeed(['whoami'])).stdout, /admin@example\.com/);
    assert.equal((await cli.succeed(['whoami', '--json'])).json<{ email: string }>().email, email);
  });

  test('a file that others could read is closed to them by the next login, and no draft is left beside it', async (t) => {
    const cli = openCli(t);
    const folder = join(cli.folder, 'hookline');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'profiles.json');
    writeFileSync(path, '{"current":"default","profiles":{}}');
    chmodSync(path, 0o666);
    await cli.succeed(login(), { input: password, now });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['profiles.json']);
  });

  test('asks for what is not given, and the password last', async (t) => {
    const cli = openCli(t);
    const end = await cli.succeed(['login'], { answers: [app.url, email, password], now });
    assert.match(end.stderr, /Address of the server: E-mail: Password: /);
    assert.match(end.stdout, new RegExp(`Signed in to ${app.url} as ${email}, profile "default"`));
  });

  test('a wrong password is told in the words of the server, with the id of the request, and ends with 3', async (t) => {
    const cli = openCli(t);
    const end = await cli.run(login(), { input: 'wrong-wrong-wrong', now });
    assert.equal(end.code, 3, end.stderr);
    assert.match(end.stderr, /^hookline: .+\n {2}\(request \S+\)\n$/);
    assert.equal((await cli.run(['whoami'])).code, 3);
  });

  test('several profiles stand side by side; one is the current one, and logout revokes its token', async (t) => {
    const cli = openCli(t);
    await cli.succeed([...login(), '--profile', 'one'], { input: password, now });
    await cli.succeed([...login(), '--profile', 'two'], { input: password, now });
    const list = await cli.succeed(['profiles', '--json']);
    assert.deepEqual(
      list.json<{ name: string; is_current: boolean }[]>().map((row) => [row.name, row.is_current]),
      [
        ['one', false],
        ['two', true],
      ],
    );
    assert.doesNotMatch(list.stdout, /hl_pat_/);
    await cli.succeed(['use', 'one']);
    assert.equal((await cli.succeed(['whoami', '--json'])).json<{ profile: string }>().profile, 'one');
    const file = readFileSync(join(cli.folder, 'hookline', 'profiles.json'), 'utf8');
    const { profiles } = JSON.parse(file) as { profiles: { one: { token: string } } };
    await cli.succeed(['logout']);
    assert.equal((await cli.succeed(['whoami', '--json'])).json<{ profile: string }>().profile, 'two');
    const revoked = await cli.run(['whoami'], {
      env: { HOOKLINE_URL: app.url, HOOKLINE_TOKEN: profiles.one.token },
    });
    assert.equal(revoked.code, 3);
    assert.match(revoked.stderr, /does not take the token: .* Sign in again with: hookline login\n$/);
    const unknown = await cli.run(['whoami', '--profile', 'three']);
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /no profile "three". There are: two/);
  });

  test('signing in elsewhere takes no profile away', async (t) => {
    const cli = openCli(t);
    const token = app.api.token ?? '';
    await cli.succeed(['login', app.url, '--token-stdin'], { input: token });
    const other = app.url.replace('127.0.0.1', 'localhost');
    const end = await cli.succeed(['login', other, '--token-stdin'], { input: token });
    assert.match(end.stdout, /profile "localhost-\d+"/);
    await cli.succeed(['use', 'default']);
    await cli.succeed(['login', other, '--token-stdin'], { input: token });
    const list = (await cli.succeed(['profiles', '--json'])).json<
      { name: string; url: string; is_current: boolean }[]
    >();
    assert.deepEqual(
      list.map(({ url, is_current }) => [url, is_current]),
      [
        [app.url, false],
        [other, true],
      ],
    );
  });

  test('logging in again revokes the token that was there', async (t) => {
    const cli = openCli(t);
    const tokenNow = () => {
      const file = readFileSync(join(cli.folder, 'hookline', 'profiles.json'), 'utf8');
      return (JSON.parse(file) as { profiles: { default: { token: string } } }).profiles.default.token;
    };
    await cli.succeed(login(), { input: password, now });
    const old = tokenNow();
    await cli.succeed(login(), { input: password, now });
    assert.notEqual(tokenNow(), old);
    const env = { HOOKLINE_URL: app.url, HOOKLINE_TOKEN: old };
    assert.equal((await cli.run(['whoami'], { env })).code, 3);
  });

  test('a token on standard input is kept as it is, and logout leaves it alone', async (t) => {
    const cli = openCli(t);
    const token = app.api.token ?? '';
    await cli.succeed(['login', app.url, '--token-stdin'], { input: `${token}\n` });
    await cli.succeed(['whoami']);
    const out = await cli.succeed(['logout']);
    assert.match(out.stdout, /was not revoked/);
    await cli.succeed(['whoami'], { env: { HOOKLINE_URL: app.url, HOOKLINE_TOKEN: token } });
  });

  test('the token of a profile is never sent to another server', async (t) => {
    const cli = openCli(t);
    await cli.succeed(login(), { input: password, now });
    const end = await cli.run(['whoami', '--url', 'https://elsewhere.example']);
    assert.equal(end.code, 3);
    assert.match(end.stderr, /no token for https:\/\/elsewhere\.example/);
  });

  test('with several environments one must be chosen: for a command, for the shell, or for the profile', async (t) => {
    const cli = openCli(t);
    await cli.succeed(login(), { input: password, now });
    assert.deepEqual((await cli.succeed(['apps', 'list', '--json'])).json(), [], 'one alone needs no word');
    const project = await app.api.post<{ id: number }>('/projects', { name: 'other' });
    for (const name of ['production', 'staging'])
      await app.api.post(`/projects/${project.id}/environments`, { name, type: 'staging' });
    const open = await cli.run(['apps', 'list']);
    assert.equal(open.code, 2);
    assert.match(open.stderr, /Which environment\?[\s\S]*other\/staging/);
    for (const words of [
      ['--environment', 'staging'],
      ['--environment', 'other/production'],
      ['--environment', '1'],
    ])
      await cli.succeed(['apps', 'list', ...words]);
    await cli.succeed(['apps', 'list'], { env: { HOOKLINE_ENVIRONMENT: 'staging' } });
    const two = await cli.run(['environments', 'use', 'production']);
    assert.equal(two.code, 2, 'two have the name');
    const none = await cli.run(['environments', 'use', 'nowhere']);
    assert.equal(none.code, 4);
    assert.match(
      (await cli.succeed(['environments', 'use', 'other/production'])).stdout,
      /works in other\/production/,
    );
    const evil = await app.api.post<{ id: number }>(`/projects/${project.id}/environments`, {
      name: 'evil\u001b[2J\u009b2J',
      type: 'staging',
    });
    const used = await cli.succeed(['environments', 'use', String(evil.id)]);
    assert.match(used.stdout, /other\/evil \(/, 'a name does not steer the terminal');
    const offered = await cli.succeed(['__complete', '--', 'environments', 'use', '']);
    assert.match(offered.stdout, /^staging\t/m);
    assert.doesNotMatch(offered.stdout, /evil/, 'and is not offered');
    await cli.succeed(['environments', 'use', 'other/production']);
    await app.api.delete(`/environments/${evil.id}`);
    await cli.succeed(['apps', 'create', '--name', 'placed', '--repository', 'a/b']);
    const list = await cli.succeed(['environments', 'list', '--json']);
    type Row = { id: number; is_current: boolean; project: string; name: string };
    const current = list.json<Row[]>().filter(({ is_current }) => is_current);
    assert.deepEqual(
      current.map(({ project: of, name }) => `${of}/${name}`),
      ['other/production'],
    );
    const apps = await app.api.get<unknown[]>(`/environments/${current[0]?.id}/applications`);
    assert.equal(apps.length, 1);
    await cli.succeed(login(), { input: password, now });
    await cli.succeed(['apps', 'get', 'placed'], { env: { HOOKLINE_ENVIRONMENT: '' } });
  });

  test('a server that is away ends with 5, and says which and why', async (t) => {
    const port = await freePort();
    const cli = openCli(t, { HOOKLINE_URL: `http://127.0.0.1:${port}`, HOOKLINE_TOKEN: 'hl_pat_x' });
    const end = await cli.run(['whoami']);
    assert.equal(end.code, 5);
    assert.match(end.stderr, new RegExp(`cannot be reached.*ECONNREFUSED 127\\.0\\.0\\.1:${port}`));
    const json = await cli.run(['whoami', '--json']);
    assert.equal((JSON.parse(json.stderr) as { error: { code: string } }).error.code, 'unreachable');
    assert.equal(json.stdout, '');
  });

  test('a file of profiles that was cut off is named, and not overwritten', async (t) => {
    const cli = openCli(t);
    const path = join(cli.folder, 'hookline', 'profiles.json');
    mkdirSync(join(cli.folder, 'hookline'), { recursive: true });
    writeFileSync(path, '{"current":"default","pro');
    const end = await cli.run(login(), { input: password, now });
    assert.equal(end.code, 1);
    assert.match(end.stderr, /profiles\.json is not a file of profiles/);
    assert.equal(readFileSync(path, 'utf8'), '{"current":"default","pro');
  });

  for (const words of [['logn'], ['whoami', 'extra'], ['login', '--emial', 'x']])
    test(`a mistyped "${words.join(' ')}" ends with 2 and a hint`, async (t) => {
      const end = await openCli(t).run(words);
      assert.equal(end.code, 2);
      assert.match(end.stderr, /Did you mean (login|--email)\?|too many arguments|Expected 0 arguments/);
    });
});

describe('what answers in place of Hookline', () => {
  let server: Server;
  let url: string;
  const seen: string[] = [];
  const hung = Promise.withResolvers<void>();
  before(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      if (request.url?.startsWith('/hung')) hung.resolve();
      else if (request.url?.startsWith('/moved'))
        response.writeHead(301, { location: 'https://new.example/api' }).end();
      else if (request.url?.startsWith('/below'))
        response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
      else response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test('ctrl-C ends a call that nobody answers, with 130 and without a word', async (t) => {
    const cli = openCli(t, { HOOKLINE_URL: `${url}/hung`, HOOKLINE_TOKEN: 'x' });
    const controller = new AbortController();
    const running = cli.run(['whoami'], { signal: controller.signal });
    await hung.promise;
    controller.abort();
    const end = await running;
    assert.deepEqual([end.code, end.stdout, end.stderr], [130, '', '']);
  });

  test('a web page is no answer', async (t) => {
    const cli = openCli(t);
    const end = await cli.run(['login', url, '--email', email, '--password-stdin'], { input: password });
    assert.deepEqual(
      [end.code, end.stderr],
      [1, `hookline: ${url} answers with a web page. Is that the address of Hookline?\n`],
    );
    const list = await cli.run(['apps', 'list'], {
      env: { HOOKLINE_URL: url, HOOKLINE_TOKEN: 'x', HOOKLINE_ENVIRONMENT: '1' },
    });
    assert.deepEqual([list.code, list.stdout], [1, '']);
  });

  test('a redirect gets neither password nor token', async (t) => {
    const cli = openCli(t);
    const end = await cli.run(['login', `${url}/moved`, '--email', email, '--password-stdin'], {
      input: password,
    });
    assert.equal(end.code, 1);
    assert.match(end.stderr, /sends to https:\/\/new\.example\/api\. Is that the address of Hookline\?/);
  });

  test('a path where a proxy has put the server is kept, and that of the API is not doubled', async (t) => {
    const cli = openCli(t, { HOOKLINE_TOKEN: 'x', HOOKLINE_ENVIRONMENT: '1' });
    for (const path of ['/below', '/below/', '/below/api', '/below/api/']) {
      seen.length = 0;
      await cli.succeed(['apps', 'list'], { env: { HOOKLINE_URL: `${url}${path}` } });
      assert.match(seen[0] ?? '', /^GET \/below\/api\/environments\/1\/applications\?/);
    }
  });

  for (const address of ['ftp://x', 'http://', 'http://user:secret@x.example', 'not an address'])
    test(`"${address}" is no address`, async (t) => {
      const end = await openCli(t).run(['login', address, '--email', email, '--password-stdin'], {
        input: password,
      });
      assert.equal(end.code, 2);
    });

  test('a token that cannot be one is not sent', async (t) => {
    const cli = openCli(t, { HOOKLINE_URL: url, HOOKLINE_TOKEN: 'gültig' });
    seen.length = 0;
    const end = await cli.run(['whoami']);
    assert.deepEqual([end.code, seen], [2, []]);
    assert.ok(!end.stderr.includes('gültig'));
  });
});
