import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { openCli, type Cli } from './support/cli.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createApplication, createIncomingHook, createPipeline } from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';

type Named = { id: number; name: string };

describe('the commands of resources', () => {
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
  const open = (t: Parameters<typeof openCli>[0], env: Record<string, string> = {}) =>
    openCli(t, { HOOKLINE_URL: app.url, HOOKLINE_TOKEN: app.api.token ?? '', ...env });

  test('an application is created, listed, read by its name, changed and deleted', async (t) => {
    const cli = open(t);
    const made = await cli.succeed([
      'apps',
      'create',
      '--name',
      'life',
      '--repository',
      'octocat/life',
      '--json',
    ]);
    const { id } = made.json<Named>();
    const list = (await cli.succeed(['apps', 'list', '--name', 'life', '--json'])).json<Named[]>();
    assert.deepEqual(
      list.map(({ name }) => name),
      ['life'],
    );
    assert.match((await cli.succeed(['apps', 'get', 'life'])).stdout, /^Default branch +main$/m);
    await cli.succeed(['apps', 'edit', 'life', '--default-branch', 'trunk', '--build-command', 'make']);
    const changed = await app.api.get<Record<string, unknown>>(`/applications/${id}`);
    assert.deepEqual([changed['default_branch'], changed['build_command']], ['trunk', 'make']);
    assert.equal(
      (await cli.succeed(['apps', 'edit', 'life', '--default-branch', 'trunk'])).stdout,
      'Nothing was changed.\n',
    );
    const kept = await cli.run(['apps', 'delete', 'life'], { answers: ['n'] });
    assert.deepEqual([kept.code, /Delete an application.*\(life\)\? \[y\/N\]/.test(kept.stderr)], [1, true]);
    const unasked = await cli.run(['apps', 'delete', 'life']);
    assert.deepEqual([unasked.code, unasked.stderr.includes('--yes')], [2, true]);
    await cli.succeed(['applications', 'delete', String(id)], { answers: ['y'] });
    assert.equal((await cli.run(['apps', 'get', String(id)])).code, 4);
  });

  test('everything that is made can be named by its name: pipeline, step, hook, variable, role, team, token', async (t) => {
    const cli = open(t);
    await cli.succeed(['apps', 'create', '--name', 'named', '--repository', 'octocat/named']);
    const step = ['--set', 'steps.0.command=make', '--set', 'steps.0.name=Build'];
    await cli.succeed([
      'pipelines',
      'create',
      '--app',
      'named',
      '--name',
      'ship',
      '--operation',
      'deploy',
      '--no-default-steps',
      ...step,
    ]);
    await cli.succeed(['pipelines', 'add-step', 'ship', '--command', 'false', '--name', 'Test']);
    await cli.succeed(['pipelines', 'edit-step', 'ship', 'Test', '--command', 'make test']);
    const { steps } = (await cli.succeed(['pipelines', 'get', 'ship', '--json'])).json<{
      steps: { name: string; command: string }[];
    }>();
    assert.deepEqual(
      steps.map(({ name, command }) => [name, command]),
      [
        ['Build', 'make'],
        ['Test', 'make test'],
      ],
    );
    await cli.succeed(['pipelines', 'remove-step', 'ship', 'Test', '-y']);
    await cli.succeed([
      'hooks',
      'create',
      'incoming',
      '--pipeline',
      'ship',
      '--name',
      'in',
      '--preset',
      'github',
    ]);
    await cli.succeed([
      'hooks',
      'create',
      'outgoing',
      '--pipeline',
      'ship',
      '--name',
      'out',
      '--target-url',
      'https://example.com',
    ]);
    await cli.succeed(['hooks', 'edit', 'out', '--no-active']);
    assert.equal(
      (await cli.succeed(['hooks', 'get', 'out', '--json'])).json<{ active: boolean }>().active,
      false,
    );
    assert.equal((await cli.succeed(['deliveries', 'list', 'out', '--json'])).stdout, '[]\n');
    await cli.succeed(['variables', 'create', '--app', 'named', '--key', 'REGION', '--value', 'eu']);
    await cli.succeed(['variables', 'edit', 'REGION', '--app', 'named', '--value', 'us']);
    const [variable] = (await cli.succeed(['variables', 'list', '--app', 'named', '--json'])).json<
      Record<string, unknown>[]
    >();
    assert.equal(variable?.['value'], 'us');
    await cli.succeed([
      'roles',
      'create',
      '--name',
      'reader',
      '--permissions',
      'application:read,pipeline:read',
    ]);
    await cli.succeed(['teams', 'create', '--name', 'Crew']);
    await cli.succeed(['teams', 'link', 'Crew', '--role', 'reader', '--environment', 'production']);
    assert.match((await cli.succeed(['teams', 'places', 'Crew'])).stdout, /reader.*production/);
    const expires = '2030-01-01T00:00:00Z';
    await cli.succeed([
      'project-tokens',
      'create',
      '--name',
      'CI',
      '--role',
      'reader',
      '--expires-at',
      expires,
    ]);
    await cli.succeed(['project-tokens', 'revoke', 'CI', '--yes']);
    assert.match((await cli.succeed(['project-tokens', 'list'])).stdout, /CI +revoked +reader/);
    assert.match((await cli.succeed(['audit', 'list', '--limit', '100'])).stdout, /revokeProjectApiToken/);
    await cli.succeed(['apps', 'delete', 'named', '--yes']);
  });

  test('a name that two have is refused with the ids of both, and one that none has with where to look', async (t) => {
    const cli = open(t);
    const application = await createApplication(app);
    const pipeline = await createPipeline(app, application);
    const one = await createIncomingHook(app, pipeline, { name: 'twin' });
    const other = await createIncomingHook(app, pipeline, { name: 'twin' });
    const both = await cli.run(['hooks', 'get', 'twin']);
    assert.equal(both.code, 2);
    assert.ok(both.stderr.includes(one.id) && both.stderr.includes(other.id), both.stderr);
    const none = await cli.run(['apps', 'get', 'nobody']);
    assert.deepEqual(
      [none.code, none.stderr],
      [4, 'hookline: There is no application "nobody" here. See: hookline apps list\n'],
    );
  });

  test('a list is cut at --limit with a word, and --all reads every page', async (t) => {
    const cli = open(t);
    await Promise.all(Array.from({ length: 35 }, async () => await createApplication(app)));
    const first = await cli.succeed(['apps', 'list', '--json']);
    assert.equal(first.json<unknown[]>().length, 30);
    assert.match(first.stderr, /the first 30; --all shows every one/);
    const some = await cli.succeed(['apps', 'list', '--limit', '3', '--json']);
    assert.equal(some.json<unknown[]>().length, 3);
    const all = await cli.succeed(['apps', 'list', '--all', '--json']);
    assert.ok(all.json<unknown[]>().length >= 35);
    assert.equal(all.stderr, '');
    assert.equal(new Set(all.json<Named[]>().map(({ id }) => id)).size, all.json<unknown[]>().length);
    assert.equal((await cli.run(['apps', 'list', '--limit', 'no'])).code, 2);
  });

  test('on a terminal a table fits it, with relative times and colours, and NO_COLOR takes those away', async (t) => {
    const cli = open(t);
    const name = `wide-${'x'.repeat(50)}`;
    const { id } = await createApplication(app, { name });
    const now = () => app.clock.now() + 3 * 3_600_000;
    const words = ['apps', 'list', '--name', 'wide'];
    const { stdout } = await cli.succeed(words, { columns: 60, now });
    assert.ok(stdout.includes('\u001b[2mID'));
    for (const line of stripVTControlCharacters(stdout).split('\n')) assert.ok(line.length <= 60, line);
    assert.match(stdout, /3 h ago/);
    assert.match(stdout, /x…/);
    const colourless = await cli.succeed(words, { columns: 60, env: { NO_COLOR: '1' } });
    assert.ok(!colourless.stdout.includes('\u001b'));
    const plain = (await cli.succeed(words)).stdout;
    assert.ok(plain.includes(name) && /\d{4}-\d\d-\d\dT/.test(plain) && !plain.includes('\u001b'));
    await app.api.delete(`/applications/${id}`);
  });

  test('an id is never cut, however narrow the terminal', async (t) => {
    const cli = open(t);
    const pipeline = await createPipeline(app, await createApplication(app));
    const hook = await createIncomingHook(app, pipeline, { name: 'narrow' });
    const { stdout } = await cli.succeed(['hooks', 'list', '--name', 'narrow'], { columns: 60 });
    assert.ok(stdout.includes(hook.id), stdout);
  });

  test('a time can be said as a span from now', async (t) => {
    const cli = open(t);
    const now = () => app.clock.now();
    const made = await cli.succeed(['tokens', 'create', '--name', 'span', '--expires-at', '90d', '--json'], {
      now,
    });
    const { expires_at } = made.json<{ expires_at: string }>();
    assert.equal(Date.parse(expires_at), app.clock.now() + 90 * 86_400_000);
    assert.equal(
      (await cli.succeed(['actions', 'list', '--created-from', '2h', '--json'], { now })).stdout,
      '[]\n',
    );
  });

  test('what a stranger has named cannot steer the terminal', async (t) => {
    const cli = open(t);
    const { id } = await createApplication(app, {
      name: 'evil\u001b]0;title\u0007\u001b[2J\u202e\u009b2J',
      repository: 'octocat/evil',
    });
    for (const words of [
      ['apps', 'list'],
      ['apps', 'get', String(id)],
      ['apps', 'list', '--json'],
    ]) {
      const { stdout } = await cli.succeed(words, { columns: 200, env: { NO_COLOR: '1' } });
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
    await app.api.delete(`/applications/${id}`);
  });

  test('what is missing or faulty is told before or as the server tells it, field by field', async (t) => {
    const cli = open(t);
    const missing = await cli.run(['apps', 'create', '--name', 'x']);
    assert.deepEqual([missing.code, missing.stderr], [2, 'hookline: Missing: --repository.\n']);
    const faulty = await cli.run([
      'apps',
      'create',
      '--name',
      'x',
      '--repository',
      'y',
      '--deployments-keep',
      '0',
    ]);
    assert.equal(faulty.code, 1);
    assert.match(faulty.stderr, /\n {2}(body\.)?deployments_keep: .*\n[\s\S]*\(request /);
    const typed = await cli.run([
      'apps',
      'create',
      '--name',
      'x',
      '--repository',
      'y',
      '--deployments-keep',
      'few',
    ]);
    assert.deepEqual(
      [typed.code, typed.stderr],
      [2, 'hookline: --deployments-keep is a whole number, not "few".\n'],
    );
  });

  test('a secret is taken from a file or standard input, and there is no flag that takes it as it is', async (t) => {
    const cli = open(t);
    const token = 'ghp_of_a_file';
    await cli.succeed(
      [
        'credentials',
        'create',
        '--name',
        'hub',
        '--provider-code',
        'github',
        '--set',
        'settings.access_token=@-',
      ],
      {
        input: `${token}\n`,
      },
    );
    const shown = await cli.succeed(['credentials', 'get', 'hub']);
    assert.ok(!shown.stdout.includes(token));
    const help = (await cli.run(['servers', 'create', '--help'])).stdout;
    assert.match(help, /--ssh-private-key-file <path or ->/);
    assert.doesNotMatch(help, /--ssh-private-key </);
  });

  test('a token without the permission is told which one it lacks', async (t) => {
    const role = await app.api.post<Named>(`/organizations/${app.organizationId}/roles`, {
      name: 'looker',
      permissions: ['project:read', 'environment:read', 'application:read'],
    });
    const { token } = await app.api.post<{ token: string }>(`/projects/${app.projectId}/tokens`, {
      name: 'looker',
      role_id: role.id,
      expires_at: '2030-01-01T00:00:00Z',
    });
    const end = await open(t, { HOOKLINE_TOKEN: token }).run([
      'apps',
      'create',
      '--name',
      'x',
      '--repository',
      'y/z',
    ]);
    assert.equal(end.code, 1);
    assert.match(end.stderr, /application:create/);
  });

  describe('edit in the editor', () => {
    /** An editor that leaves what it was given in `seen`, one file for each time, and does as the script says. */
    function editor(cli: Cli, script: string): Record<string, string> {
      const path = join(cli.folder, 'editor');
      writeFileSync(
        path,
        `#!/bin/sh\nn=$(ls "${cli.folder}" | grep -c '^seen')\ncp "$1" "${cli.folder}/seen$n"\nstat -c %a "$1" > "${cli.folder}/mode"\n${script}\n`,
      );
      chmodSync(path, 0o755);
      return { EDITOR: `"${path}"` };
    }
    const seen = (cli: Cli, time: number) => readFileSync(join(cli.folder, `seen${time}`), 'utf8');
    const drafts = () => readdirSync(tmpdir()).filter((name) => name.startsWith('hookline-edit-'));

    test('shows what can be changed, sends only what was, and leaves no draft behind', async (t) => {
      const cli = open(t);
      const { id } = await createApplication(app, { name: 'edited' });
      const before = drafts();
      const env = editor(cli, `sed -i 's/^name: .*/name: "edited twice"/' "$1"`);
      const end = await cli.succeed(['apps', 'edit', String(id)], { env, columns: 80 });
      assert.equal(end.stdout, 'Changed.\n');
      assert.match(
        seen(cli, 0),
        /^# Change an application.*\n(#.*\n)*name: edited\nrepository: octocat\/hello-world\n/,
      );
      assert.doesNotMatch(seen(cli, 0), /created_at|environment/);
      assert.equal(readFileSync(join(cli.folder, 'mode'), 'utf8').trim(), '600');
      assert.equal((await app.api.get<Named>(`/applications/${id}`)).name, 'edited twice');
      const [event] = await app.api.get<{ fields: string[] }[]>(
        `/organizations/${app.organizationId}/audit-events?object_type=application&operation=updateApplication`,
      );
      assert.deepEqual(event?.fields, ['name']);
      assert.deepEqual(drafts(), before);
    });

    test('opens again with what the server has against it as comments, until it takes it', async (t) => {
      const cli = open(t);
      const { id } = await createApplication(app, { name: 'refused' });
      const env = editor(
        cli,
        `if [ "$n" = 0 ]; then sed -i 's/^deployments_keep: .*/deployments_keep: -1/' "$1"
         elif [ "$n" = 1 ]; then sed -i 's/^deployments_keep: .*/deployments_keep: [/' "$1"
         else sed -i 's/^deployments_keep: .*/deployments_keep: 7/' "$1"; fi`,
      );
      await cli.succeed(['apps', 'edit', String(id)], { env, columns: 80 });
      assert.match(
        seen(cli, 1),
        /^# NOT CHANGED YET:\n(#.*\n)*# {3}deployments_keep: .*\n[\s\S]*^deployments_keep: -1$/m,
      );
      assert.match(seen(cli, 2), /^# NOT CHANGED YET:\n# {3}.*line/);
      assert.equal((seen(cli, 2).match(/NOT CHANGED YET/g) ?? []).length, 1, 'the faults of before are gone');
      assert.equal(
        (await app.api.get<Record<string, unknown>>(`/applications/${id}`))['deployments_keep'],
        7,
      );
    });

    test('sends nothing when the file is closed as it is, emptied, or the editor fails', async (t) => {
      const cli = open(t);
      const { id } = await createApplication(app, { name: 'calm' });
      const stamp = async () =>
        (await app.api.get<Record<string, unknown>>(`/applications/${id}`))['updated_at'];
      const before = await stamp();
      await app.clock.advance(5000);
      for (const script of ['true', ': > "$1"']) {
        const end = await cli.succeed(['apps', 'edit', 'calm'], { env: editor(cli, script), columns: 80 });
        assert.equal(end.stdout, 'Nothing was changed.\n');
      }
      const failed = await cli.run(['apps', 'edit', 'calm'], { env: editor(cli, 'exit 3'), columns: 80 });
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /ended with 3; nothing was changed/);
      const blind = await cli.run(['apps', 'edit', 'calm']);
      assert.equal(blind.code, 2);
      assert.equal(await stamp(), before);
    });

    test('keeps what was written when the server goes away meanwhile, and says where', async (t) => {
      const gone = await createTestDatabase('sqlite');
      t.after(() => gone.drop());
      const other = await startInProcessApp({ database: gone });
      const { id } = await createApplication(other, { name: 'gone' });
      const cli = openCli(t, { HOOKLINE_URL: other.url, HOOKLINE_TOKEN: other.api.token ?? '' });
      const flag = join(cli.folder, 'closed');
      const env = editor(
        cli,
        `sed -i 's/^name: .*/name: kept/' "$1"; touch "${cli.folder}/ready"; until [ -e "${flag}" ]; do sleep 0.02; done`,
      );
      const running = cli.run(['apps', 'edit', String(id)], { env, columns: 80 });
      while (!existsSync(join(cli.folder, 'ready'))) await new Promise((resolve) => setTimeout(resolve, 10));
      await other.stop();
      writeFileSync(flag, '');
      const end = await running;
      assert.equal(end.code, 5, end.stderr);
      const path = /kept in (\S+)/.exec(stripVTControlCharacters(end.stderr))?.[1] ?? '';
      t.after(() => rmSync(dirname(path), { recursive: true, force: true }));
      assert.match(readFileSync(path, 'utf8'), /^name: kept$/m);
    });
  });
});
