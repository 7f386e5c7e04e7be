import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { openCli, type Cli } from './support/cli.ts';
import { openWorkplace, type Workplace } from './support/fixtures.ts';
import { fillEnvironment, fullSecrets } from './support/full-environment.ts';
import { startServer, type TestServer } from './support/server.ts';

describe('an environment as one file', () => {
  let server: TestServer;
  let workplace: Workplace;
  let connection: Record<string, string>;
  /** Holds all that the product can express. */
  let everything: Workplace;

  type Row = { id: number | string; name: string };

  before(async () => {
    server = await startServer({ env: { HOOKLINE_ROLE: 'api' } });
    workplace = await openWorkplace(server);
    connection = { HOOKLINE_URL: server.url, HOOKLINE_TOKEN: workplace.api.token! };
    everything = await newEnvironment('everything');
    await fillEnvironment(everything);
  });
  after(() => server.stop());

  const newEnvironment = async (name: string): Promise<Workplace> => {
    const { api, projectId } = workplace;
    const { id } = await api.post<{ id: number }>(`/projects/${projectId}/environments`, {
      name,
      type: 'staging',
    });
    return { ...workplace, environmentId: id };
  };
  const inEnvironment = ({ environmentId }: Workplace) => ({
    ...connection,
    HOOKLINE_ENVIRONMENT: String(environmentId),
  });

  test('exported, applied to an empty environment and exported again it is the same, byte for byte', async (t) => {
    const from = everything;
    const cli = openCli(t, inEnvironment(from));
    const path = join(cli.folder, 'hookline.yaml');
    await cli.succeed(['export', '-o', path]);
    const text = readFileSync(path, 'utf8');
    if (process.env['SHOW']) console.log(text);
    for (const [name, secret] of Object.entries(fullSecrets))
      assert.ok(!text.includes(secret), `the file holds no secret: ${name}`);
    const same = await cli.succeed(['apply', '-f', path, '--dry-run']);
    assert.match(same.stdout, /The environment is as the file says\./);

    const to = await newEnvironment('a copy');
    const there = inEnvironment(to);
    const refused = await cli.run(['apply', '-f', path, '--yes'], { env: there });
    if (process.env['SHOW']) console.log(refused.stderr);
    const values = Object.fromEntries(
      [...text.matchAll(/env: (\w+)/g)].map(([, name]) => [name, valueFor(name!)]),
    );
    const made = await cli.succeed(['apply', '-f', path, '--yes'], { env: { ...there, ...values } });
    if (process.env['SHOW']) console.log(made.stdout);
    const again = await cli.succeed(['export'], { env: there });
    assert.equal(again.stdout, text);
    const all = await workplace.api.get<Row[]>(`/environments/${to.environmentId}/pipelines?per_page=100`);
    const switches = all
      .map(({ name }) => name)
      .filter((name) => /^(Power off|Stop|Start|Restart|Get status)$/.test(name));
    assert.deepEqual(
      switches.toSorted(),
      ['Get status', 'Get status', 'Power off', 'Restart', 'Restart', 'Start', 'Start', 'Stop'],
      'of the two servers: what the file describes took the place of what they came with',
    );
    const nothing = await cli.succeed(['apply', '-f', path, '--yes'], { env: there });
    assert.match(nothing.stdout, /The environment is as the file says\./);
  });

  /** A file in an environment of its own, and the program to apply it with. */
  const openScene = async (t: TestContext, name: string) => {
    const place = await newEnvironment(name);
    const cli = openCli(t, inEnvironment(place));
    const path = join(cli.folder, 'hookline.yaml');
    const write = (text: string) => writeFileSync(path, `hookline: 1\n${text}`);
    const apply = (words: string[] = [], options: Parameters<Cli['run']>[1] = {}) =>
      cli.run(['apply', '-f', path, ...words], options);
    const list = async (what: string) =>
      await place.api.get<Row[]>(`/environments/${place.environmentId}/${what}`);
    return { ...place, cli, path, write, apply, list };
  };

  test('a plan is shown before anything is changed: new, changed line by line, deleted only with --prune', async (t) => {
    const { write, apply, list } = await openScene(t, 'plans');
    const file = (steps: string, more = '') => `applications:
  - name: web
    repository: a/b
${more}    pipelines:
      - name: Deploy
        operation: deploy
        steps:
          - name: Build
            command: |
              set -u
              ${steps}
              echo done
`;
    write(file('npm ci', '    variables: [{ key: STAGE, value: one }, { key: OLD, value: x }]\n'));
    const first = await apply(['--dry-run']);
    assert.equal(first.code, 8, first.stderr);
    assert.match(first.stdout, /^\+ application web$/m);
    assert.match(first.stdout, /^Plan: 4 to create, 0 to change, 0 to delete\.$/m);
    assert.deepEqual(await list('applications'), []);
    assert.equal((await apply(['--yes'])).code, 0);
    assert.equal((await apply(['--dry-run'])).code, 0);

    write(file('npm install', '    variables: [{ key: STAGE, value: two }]\n'));
    const second = await apply(['--dry-run']);
    assert.equal(second.code, 8);
    assert.equal(
      second.stdout,
      `~ application web, variable STAGE
    ~ value: one → two
~ application web, pipeline Deploy
    ~ steps:
        - name: Build
          command: |
            set -u
      -     npm ci
      +     npm install
            echo done

Not in the file, and left alone (--prune deletes it):
  application web, variable OLD
Plan: 0 to create, 2 to change, 0 to delete.
`,
    );
    const pruned = await apply(['--prune', '--yes']);
    assert.equal(pruned.code, 0, pruned.stderr);
    assert.match(pruned.stdout, /^- application web, variable OLD$/m);
    assert.match(pruned.stdout, /^Done: 0 created, 2 changed, 1 deleted\.$/m);
    write('');
    const all = await apply(['--prune', '--dry-run']);
    assert.match(all.stdout, /^- application web, and with it 1 variable, 1 pipeline$/m);
    assert.equal((await apply(['--prune', '--yes'])).code, 0);
    assert.deepEqual(await list('applications'), []);
  });

  test('nothing is changed without a yes, and without a terminal to ask on', async (t) => {
    const { write, apply, list } = await openScene(t, 'questions');
    write('applications: [{ name: web, repository: a/b }]');
    const alone = await apply();
    assert.equal(alone.code, 2);
    assert.match(alone.stderr, /no terminal to ask on\. Add --yes/);
    const json = await apply(['--json']);
    assert.equal(json.code, 2);
    const no = await apply([], { answers: ['no'], columns: 80 });
    assert.equal(no.code, 1);
    assert.match(no.stderr, /Make these changes\?.*Nothing was changed\./s);
    assert.ok(no.stdout.includes('\u001b[32m+ application web'), 'in colour on a terminal');
    assert.deepEqual(await list('applications'), []);
    assert.equal((await apply([], { answers: ['yes'], columns: 80 })).code, 0);
    assert.equal((await list('applications')).length, 1);
  });

  test('secrets that lead nowhere are told at once before anything is made; those that are stored stay until told', async (t) => {
    const { write, apply, list, api, cli } = await openScene(t, 'secrets');
    write(`credentials:
  - { name: GitHub, provider_code: github, settings: { access_token: { env: TOKEN } } }
applications:
  - name: web
    repository: a/b
    credential: GitHub
    variables: [{ key: PASSWORD, hidden: true, value: { file: password.txt } }]
    pipelines:
      - name: Deploy
        operation: deploy
        incoming_hooks: [{ name: In, preset: github, secret: { env: HOOK } }]
        outgoing_hooks:
          - name: Out
            target_url: https://example.com/
            settings: { request_headers: [{ name: Authorization, value: { env: HEADER } }] }
`);
    const refused = await apply(['--yes']);
    assert.equal(refused.code, 2);
    for (const missing of [
      /variable TOKEN is not set/,
      /file password\.txt does not exist/,
      /variable HOOK is not set; with --generate-secrets/,
      /variable HEADER is not set/,
    ])
      assert.match(refused.stderr, missing);
    assert.deepEqual(
      await list('credentials').then((all) => all.filter(({ name }) => name === 'GitHub')),
      [],
    );

    writeFileSync(join(cli.folder, 'password.txt'), 'sekrit-one\n');
    const env = { TOKEN: 'ghp_token', HOOK: 'a-hook-secret', HEADER: 'Bearer abc' };
    const made = await apply(['--yes'], { env });
    assert.equal(made.code, 0, made.stderr);
    assert.doesNotMatch(made.stdout + made.stderr, /sekrit|ghp_|a-hook-secret|Bearer abc/);
    assert.match(made.stdout, /incoming hook In\n {2}url: http/);

    const kept = await apply(['--yes']);
    assert.equal(kept.code, 0);
    assert.match(
      kept.stdout,
      /^4 secrets stay as they are stored.*\$TOKEN, password\.txt, \$HOOK, \$HEADER/m,
    );
    const hook = (await list('hooks')).find(({ name }) => name === 'Out');
    const before = await api.get<{ updated_at: string }>(`/hooks/outgoing/${hook!.id}`);
    const sent = await apply(['--yes', '--set-secrets'], { env: { HEADER: 'Bearer new' } });
    assert.equal(sent.code, 0, sent.stderr);
    assert.match(
      sent.stdout,
      /^Plan: 0 to create, 2 to change/m,
      'the header and the password, which is set too',
    );
    assert.doesNotMatch(sent.stdout + sent.stderr, /Bearer new|sekrit/);
    assert.notEqual(
      (await api.get<{ updated_at: string }>(`/hooks/outgoing/${hook!.id}`)).updated_at,
      before.updated_at,
    );
  });

  test('a secret goes to no other host than it was given for, unless it is given again', async (t) => {
    const { write, apply } = await openScene(t, 'hosts');
    const file = (host: string) =>
      write(`applications:
  - name: web
    repository: a/b
    pipelines:
      - name: Deploy
        operation: deploy
        outgoing_hooks:
          - name: Out
            target_url: https://${host}/
            settings:
              request_headers: [{ name: Authorization, value: { env: HEADER } }]
              request_body: { text: hi, token: { $secret: { env: BODY } } }
`);
    file('one.example.com');
    const env = { HEADER: 'Bearer abc', BODY: 'sekrit-body' };
    assert.equal((await apply(['--yes'], { env })).code, 0);
    file('two.example.com');
    const refused = await apply(['--yes']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /\bHEADER is not set[^]*\bBODY is not set/);
    const moved = await apply(['--yes'], { env });
    assert.equal(moved.code, 0, moved.stderr);
    assert.equal((await apply(['--dry-run'])).code, 0);
  });

  test('secrets that Hookline makes are shown once, or written to a file of yours alone', async (t) => {
    const { write, apply, cli } = await openScene(t, 'made secrets');
    const hooks = (names: string[]) =>
      write(`servers: [{ hostname: web-1, ip_address: 127.0.0.1, ssh_port: 1, ssh_private_key: { env: KEY } }]
applications:
  - name: web
    repository: a/b
    pipelines:
      - name: Deploy
        operation: deploy
        incoming_hooks: [${names.map((name) => `{ name: ${name}, preset: github, secret: { env: NONE } }`).join(', ')}]
`);
    hooks(['One']);
    const shown = await apply(['--yes', '--generate-secrets']);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /secret: [0-9a-f]{64} {2}\(shown this once\)/);
    assert.match(shown.stdout, /authorized_keys/);
    hooks(['One', 'Two']);
    const out = join(cli.folder, 'made.json');
    const written = await apply(['--yes', '--generate-secrets', '--secrets-out', out]);
    assert.equal(written.code, 0, written.stderr);
    assert.equal(statSync(out).mode & 0o777, 0o600);
    const [made] = JSON.parse(readFileSync(out, 'utf8')) as {
      resource: string;
      secret: string;
      url: string;
    }[];
    assert.equal(made!.resource, 'application web, pipeline Deploy, incoming hook Two');
    assert.match(made!.secret, /^[0-9a-f]{64}$/);
    assert.ok(!(written.stdout + written.stderr).includes(made!.secret));
    write(`applications:
  - name: shop
    repository: a/b
    pipelines:
      - { name: Paid, operation: configure, incoming_hooks: [{ name: Stripe, preset: stripe, secret: { env: NONE } }] }
`);
    assert.equal((await apply(['--yes', '--generate-secrets'])).code, 0);
    const waits = await apply(['--dry-run', '--generate-secrets']);
    assert.equal(waits.code, 0, `its sender makes it, so it waits: ${waits.stdout}${waits.stderr}`);
    assert.match((await apply(['--dry-run'])).stderr, /hook Stripe needs secret, but .* NONE is not set/);
    const again = await apply(['--yes', '--secrets-out', out]);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /exists already/);
  });

  test('what is renamed keeps its id; a new name without that is told to be another thing', async (t) => {
    const { write, apply, list } = await openScene(t, 'names');
    const file = (name: string, was = '') =>
      write(`servers: [{ hostname: web-1, ip_address: 127.0.0.1, ssh_port: 1 }]
applications: [{ name: ${name}, ${was}repository: a/b, servers: [web-1], variables: [{ key: A, value: b }] }]
`);
    file('shop');
    assert.equal((await apply(['--yes'])).code, 0);
    const [before] = await list('applications');
    file('store');
    const warned = await apply(['--dry-run']);
    assert.match(
      warned.stdout,
      /^Warning: Is application store another name for application shop\? Then write "was: shop"/m,
    );
    file('store', 'was: shop, ');
    const renamed = await apply(['--yes']);
    assert.match(renamed.stdout, /^~ application store \(was shop\)$/m);
    assert.match(renamed.stdout, /^Plan: 0 to create, 1 to change, 0 to delete\.$/m);
    const [after] = await list('applications');
    assert.deepEqual([after!.id, after!.name], [before!.id, 'store']);
    assert.equal((await apply(['--dry-run'])).code, 0, 'was may stay in the file');

    write(`servers: [{ hostname: web-9, was: web-1, ip_address: 127.0.0.1, ssh_port: 1 }]
applications: [{ name: store, repository: a/b, servers: [web-9], variables: [{ key: A, value: b }] }]
`);
    const server = await apply(['--yes']);
    assert.match(server.stdout, /^Plan: 0 to create, 1 to change, 0 to delete\.$/m, 'the link is the same');
    assert.equal((await apply(['--dry-run'])).code, 0);
  });

  test('the order, the content and the ids of steps follow the file', async (t) => {
    const { write, apply, api, list } = await openScene(t, 'steps');
    const file = (steps: string) =>
      write(
        `applications: [{ name: web, repository: a/b, pipelines: [{ name: P, operation: configure, steps: [${steps}] }] }]`,
      );
    type Step = { id: number; name: string | null; command: string; runner: string };
    const steps = async () => {
      const [pipeline] = await list('pipelines');
      return (await api.get<{ steps: Step[] }>(`/pipelines/${pipeline!.id}`)).steps;
    };
    file('{ name: a, command: "1" }, { name: b, command: "2", runner: npm }, { command: "3" }');
    assert.equal((await apply(['--yes'])).code, 0);
    const ids = new Map((await steps()).map(({ id, command }) => [command, id]));
    file('{ command: "3" }, { name: new, command: "4" }, { name: b, command: "22" }');
    const changed = await apply(['--yes']);
    assert.equal(changed.code, 0, changed.stderr);
    assert.deepEqual(
      (await steps()).map(({ id, command, runner }) => [
        id === ids.get(command === '22' ? '2' : command),
        command,
        runner,
      ]),
      [
        [true, '3', 'custom'],
        [false, '4', 'custom'],
        [true, '22', 'custom'],
      ],
    );
    assert.equal((await apply(['--dry-run'])).code, 0);
  });

  test('what somebody changes between the plan and the yes is not written over', async (t) => {
    const { write, apply, api, list } = await openScene(t, 'meanwhile');
    const file = (branch: string) =>
      write(`applications: [{ name: web, repository: a/b, default_branch: ${branch} }]`);
    file('main');
    assert.equal((await apply(['--yes'])).code, 0);
    const [application] = await list('applications');
    file('trunk');
    const end = await apply([], {
      answers: ['yes'],
      onAsk: () => api.put(`/applications/${application!.id}`, { framework: 'next' }),
    });
    assert.equal(end.code, 1);
    assert.match(end.stderr, /since the plan was made, somebody has changed application web\./);
    const now = await api.get<{ default_branch: string }>(`/applications/${application!.id}`);
    assert.equal(now.default_branch, 'main');
  });

  test('a refusal in the middle tells what was done and what not, and the next run goes on from there', async (t) => {
    const { write, apply, list } = await openScene(t, 'refusals');
    const file = (url: string) =>
      write(`applications:
  - name: web
    repository: a/b
    pipelines:
      - name: Deploy
        operation: deploy
        outgoing_hooks: [{ name: A, target_url: "${url}" }, { name: B, target_url: "https://example.com/" }]
`);
    file('not-an-address');
    const end = await apply(['--yes']);
    assert.equal(end.code, 1);
    assert.match(
      end.stderr,
      /Done: 2 of 4\.\nFailed: creating .* hook A\nNot done: .* hook B\nRun it again to go on from there\.\nhookline: .*\n {2}\S*target_url: must begin with https:\/\/ or http:\/\/\n {2}\(request /,
    );
    assert.equal((await list('hooks')).length, 0);
    file('https://example.com/a');
    const next = await apply(['--yes']);
    assert.match(next.stdout, /^Plan: 2 to create, 0 to change, 0 to delete\.$/m);
    assert.equal(next.code, 0, next.stderr);
  });

  test('ctrl-C ends it between two changes', async (t) => {
    const { write, apply, list } = await openScene(t, 'interrupted');
    write(
      'applications: [{ name: a, repository: a/b }, { name: b, repository: a/b }, { name: c, repository: a/b }]',
    );
    const interrupt = new AbortController();
    const end = await apply(['--yes'], {
      signal: interrupt.signal,
      onErrors: (text) => void (text.includes('[2/3]') && interrupt.abort()),
    });
    assert.equal(end.code, 130, end.stderr);
    assert.match(end.stderr, /Done: 2 of 3\.\nNot done: application c\n/);
    assert.equal((await list('applications')).length, 2);
  });

  test('what cannot become what the file says is told before anything is changed', async (t) => {
    const { write, apply } = await openScene(t, 'fixed');
    const file = (operation: string, preset: string, provider: string) =>
      write(`credentials: [{ name: C, provider_code: ${provider}, settings: { access_token: { env: TOKEN } } }]
applications:
  - name: web
    repository: a/b
    pipelines: [{ name: P, operation: ${operation}, incoming_hooks: [{ name: I, preset: ${preset} }] }]
`);
    file('deploy', 'github', 'github');
    assert.equal((await apply(['--yes'], { env: { TOKEN: 'x' } })).code, 0);
    file('restart', 'gitlab', 'gitlab');
    const refused = await apply(['--yes']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /operation is "deploy" and cannot become "restart"/);
    assert.match(refused.stderr, /preset is "github" and cannot become "gitlab"/);
    assert.match(refused.stderr, /provider_code is "github" and cannot become "gitlab"/);
    assert.match(refused.stderr, /Nothing was changed: there are 3 faults/);
  });

  test('what the server would refuse of a hook is told with the line in the file', async (t) => {
    const { write, apply } = await openScene(t, 'bad hooks');
    const file = (path: string) =>
      write(`applications:
  - name: web
    repository: a/b
    pipelines:
      - name: P
        operation: deploy
        incoming_hooks:
          - name: I
            settings: { variables: [{ name: v, path: "${path}" }] }
`);
    file('ref');
    assert.equal((await apply(['--yes'])).code, 0);
    file('$nothing');
    const refused = await apply(['--yes']);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /hookline\.yaml:9:\d+: .*hook I: settings\.variables\.0\.path begins with a \$/,
    );
  });

  test('a hook that was changed by hand becomes again what its preset makes', async (t) => {
    const { write, apply, api, list } = await openScene(t, 'drift');
    write(`applications:
  - name: web
    repository: a/b
    pipelines: [{ name: P, operation: deploy, incoming_hooks: [{ name: I, preset: github }] }]
`);
    assert.equal((await apply(['--yes'])).code, 0);
    const [hook] = await list('hooks');
    type Shown = { trigger_when: { conditions: unknown[] }; signature_scheme: string };
    const before = await api.get<Shown>(`/hooks/incoming/${hook!.id}`);
    await api.put(`/hooks/incoming/${hook!.id}`, {
      trigger_when: { conditions: [], events: ['push', 'tag'] },
      settings: { variables: [] },
      signature_scheme: 'hmac',
    });
    const plan = await apply(['--dry-run']);
    assert.equal(plan.code, 8);
    assert.match(plan.stdout, /~ trigger_when\.conditions:\n/, 'in full, as the file does not say it');
    assert.equal((await apply(['--yes'])).code, 0);
    const after = await api.get<Shown>(`/hooks/incoming/${hook!.id}`);
    assert.deepEqual(after.trigger_when, before.trigger_when);
    assert.equal(after.signature_scheme, before.signature_scheme);
    assert.equal((await apply(['--dry-run'])).code, 0);
  });

  test('--json gives the plan, and what was done, without a secret', async (t) => {
    const { write, apply } = await openScene(t, 'json');
    write(`credentials: [{ name: C, provider_code: github, settings: { access_token: { env: TOKEN } } }]`);
    type Shown = { changes: { action: string; resource: string; fields: unknown[] }[]; done?: string[] };
    const plan = await apply(['--dry-run', '--json'], { env: { TOKEN: 'ghp_x' } });
    assert.equal(plan.code, 8);
    assert.deepEqual(plan.json<Shown>().changes[0], {
      action: 'create',
      kind: 'credential',
      resource: 'credential C',
      name: 'C',
      was: null,
      fields: [
        { field: 'provider_code', to: 'github' },
        { field: 'settings.access_token', to: { env: 'TOKEN' } },
      ],
      deletes_also: [],
    });
    const done = await apply(['--yes', '--json'], { env: { TOKEN: 'ghp_x' } });
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(done.json<Shown>().done, ['credential C']);
    assert.doesNotMatch(plan.stdout + done.stdout, /ghp_x/);
    assert.deepEqual((await apply(['--yes', '--json'])).json<Shown>().changes, []);
  });

  test('two of one name are not exported as one, nor is a file written then', async (t) => {
    const { api, environmentId, cli } = await openScene(t, 'twins');
    const { id } = await api.post<{ id: number }>(`/environments/${environmentId}/applications`, {
      name: 'web',
      repository: 'a/b',
    });
    for (const name of ['P', 'P'])
      await api.post(`/pipelines/application/${id}`, { name, operation: 'deploy' });
    const path = join(cli.folder, 'out.yaml');
    const end = await cli.run(['export', '-o', path]);
    assert.equal(end.code, 1);
    assert.match(end.stderr, /application web, pipeline P: there are 2 of this name \(\d+, \d+\)/);
    assert.ok(!existsSync(path));
  });

  test('whoever may only look exports the same, in more words', async (t) => {
    const { api, projectId, organizationId } = workplace;
    const roles = await api.get<Row[]>(`/organizations/${organizationId}/roles`);
    const viewer = roles.find(({ name }) => /viewer/i.test(name)) ?? assert.fail('there is no viewer');
    const { token } = await api.post<{ token: string }>(`/projects/${projectId}/tokens`, {
      name: 'viewer',
      role_id: viewer.id,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const cli = openCli(t, inEnvironment(everything));
    const path = join(cli.folder, 'viewer.yaml');
    await cli.succeed(['export', '-o', path], { env: { HOOKLINE_TOKEN: token } });
    const plan = await cli.run(['apply', '-f', path, '--dry-run']);
    assert.equal(plan.code, 0, plan.stdout + plan.stderr);
  });

  test('a file that is not there, is a folder, or is no text is told', async (t) => {
    const { cli } = await openScene(t, 'no file');
    const binary = join(cli.folder, 'binary.yaml');
    writeFileSync(binary, Buffer.from([0xff, 0xfe, 0x00]));
    for (const [words, told] of [
      [['-f', join(cli.folder, 'none.yaml')], /There is no file .*none\.yaml/],
      [['-f', cli.folder], /cannot be read \(EISDIR\)/],
      [['-f', binary], /is not UTF-8/],
      [[], /Which file\?/],
    ] as const) {
      const end = await cli.run(['apply', ...words]);
      assert.equal(end.code, 2);
      assert.match(end.stderr, told);
    }
    const piped = await cli.run(['apply', '-f', '-', '--dry-run'], { input: 'hookline: 1\n' });
    assert.equal(piped.code, 0, piped.stderr);
  });
});

/** What a reference in the file of `fillEnvironment` leads to, by its name. */
function valueFor(name: string): string {
  if (name.endsWith('CLIENT_KEY')) return fullSecrets.clientKey;
  if (name.endsWith('_URL')) return fullSecrets.url;
  if (name.endsWith('_AUTHORIZATION')) return fullSecrets.header;
  // Of Standard Webhooks, whose form says so.
  return /_(OWN|SIGNED|STANDARD_SAYS)_SECRET$/.test(name)
    ? fullSecrets.signing
    : `value-of-${name.toLowerCase()}`;
}
