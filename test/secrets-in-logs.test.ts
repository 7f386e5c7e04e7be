import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import SqliteDatabase from 'better-sqlite3';
import { Client } from 'pg';
import { scriptDirectory } from '../src/actions/executors/script-directory.ts';
import { keyPair } from '../src/inventory/servers/key-pair.ts';
import { createApiClient, login, until } from './support/api-client.ts';
import type { ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import {
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { githubHeaders, pushPayload, sign } from './support/github.ts';
import { startReceiver } from './support/receiver.ts';
import type { ReceivedRequest } from './support/receiver.ts';
import { runCommand } from './support/run-command.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';
import { dumpTables } from './support/table-dump.ts';

const push = pushPayload();
const adminPassword = 'pass/w+rd "of" the admin=1';

for (const kind of databaseKinds) {
  test(`no secret of a whole scenario stands in the log at trace level, in a file or in the database, on ${kind}`, async (t) => {
    const database = await createTestDatabase(kind);
    t.after(() => database.drop());
    const marked = createMarks();
    marked.add('the password of the administrator', adminPassword);
    if (database.env.DATABASE_URL) {
      // The server of the tests asks for none, and takes any.
      const url = new URL(database.env.DATABASE_URL);
      url.password = marked.make('the password of the database');
      database.env.DATABASE_URL = url.href;
    }
    // Echoes whatever it was sent, in its body, in a header and in the address that it sends us to.
    const receiver = await startReceiver({
      behave: (request) => ({
        kind: 'answer',
        status: 500,
        headers: { 'x-echo': oneLine(echo(request)), location: request.path },
        body: request.path.startsWith('/long') ? cutInTheMiddle(request.body) : echo(request),
      }),
    });
    t.after(() => receiver.close());

    const env = { HOOKLINE_LOG_LEVEL: 'trace', HOOKLINE_ADMIN_PASSWORD: adminPassword };
    const server = await startServer({ database, env });
    t.after(() => server.stop());
    const workplace = await openWorkplace(server);
    marked.add('the access token of a session', workplace.api.token ?? '');
    await signInAndFail(server, marked);
    const site = await buildSite(workplace, marked, receiver.url);
    await triggerAndFail(workplace, site, marked);
    const dataFolder = database.env.HOOKLINE_DATA ?? '';
    const findInFiles = (when: string) => {
      for (const [name, text] of filesIn(dataFolder)) marked.find(`${name} ${when}`, text);
    };
    const during = () => {
      // What a step is given stands in memory while it runs, for the user of Hookline alone; nothing of it on a disk.
      const scripts = scriptDirectory(dataFolder);
      assert.notDeepEqual(readdirSync(scripts), []);
      if (existsSync('/dev/shm')) assert.match(scripts, /^\/dev\/shm\//);
      for (const name of readdirSync(scripts).filter((one) => one.endsWith('.sh'))) {
        marked.find(`the script ${name}`, readFileSync(join(scripts, name), 'utf8'));
      }
      findInFiles('while a step runs');
    };
    const action = await runEverything(workplace, site, marked, { dataFolder, during });
    await untilTried(workplace, site.outgoing);
    if (kind === 'sqlite') {
      const { code, output } = await runCommand({ ...database.env, ...env }, ['secrets', 'rotate']);
      assert.equal(code, 0, output);
      marked.find('what `secrets rotate` says', output);
    }
    await failInside(workplace, site, database, server);
    for (const command of [['config'], ['secrets', 'status']]) {
      const { output } = await runCommand({ ...database.env, ...env }, command);
      marked.find(`what \`${command.join(' ')}\` says`, output);
    }
    marked.addKeys(database);

    marked.find('the tables', await dumpTables(database));
    marked.find('the stored payloads', await storedPayloads(database));
    findInFiles('while serving');
    marked.find('the answers of the API', await answers(workplace, site, action.id));
    await server.stop();
    findInFiles('after the end');
    marked.find('standard output and standard error', server.output());

    assert.match(server.output(), /"level":(10|20|30)/, 'nothing was logged below warnings');
    assert.match(server.output(), /"level":50/, 'no failure was logged');
    assert.deepEqual(marked.found(), []);
    for (const { headers, path } of receiver.requests) {
      assert.ok(!Object.values(headers).join().includes('********') && !path.includes('********'));
    }
  });
}

type Marks = {
  /** From now on this must not be found. Returns it. */
  add(name: string, secret: string): string;
  /** Makes up a secret of characters that have other forms in a URL, in JSON and in base64. */
  make(name: string): string;
  addKeys(database: TestDatabase): void;
  find(place: string, text: string): void;
  found(): string[];
};

function createMarks(): Marks {
  const forms = new Map<string, string>();
  const found = new Set<string>();
  const marks: Marks = {
    add(name, secret) {
      assert.ok(secret.length >= 8, `${name} is too short to be looked for`);
      for (const [form, text] of formsOf(secret)) if (!forms.has(text)) forms.set(text, `${name}, ${form}`);
      return secret;
    },
    make: (name) => marks.add(name, `mark+${randomBytes(12).toString('hex')}/=&`),
    addKeys({ env }) {
      const keys =
        env.HOOKLINE_SECRET_KEY ?? readFileSync(join(env.HOOKLINE_DATA ?? '', 'secret.key'), 'utf8');
      for (const key of keys.trim().split(/[\n,]/)) marks.add('the secret key', key);
    },
    find(place, text) {
      for (const [form, name] of forms) if (text.includes(form)) found.add(`${place}: ${name}`);
    },
    found: () => [...found].sort(),
  };
  return marks;
}

/** Files are read as Latin-1, and so is what is looked for in them. */
function formsOf(secret: string): [string, string][] {
  const bytes = Buffer.from(secret);
  const inBase64 = [0, 1, 2].map((shift): [string, string] => {
    // Amid other text, where it may begin at any of three places; the characters at both ends hold other bits too.
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return [`in base64 from ${shift}`, shifted.slice([0, 2, 3][shift], -1)];
  });
  return [
    ['plain', secret],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['in JSON twice', JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(secret)],
    ['as a form', new URLSearchParams({ '': secret }).toString().slice(1)],
    ['in hex', bytes.toString('hex')],
    ...inBase64,
    ...inBase64.map(([name, text]): [string, string] => [
      `${name}, for a URL`,
      text.replaceAll('+', '-').replaceAll('/', '_'),
    ]),
  ];
}

/** The tokens of a project, and the link of an invitation by which somebody makes an account on the page. */
async function inviteAndJoin(url: string, api: ApiClient, marked: Marks, expires_at: string): Promise<void> {
  const [role] = await api.get<{ id: number }[]>('/organizations/default/roles');
  const [project] = await api.get<{ id: number }[]>('/projects');
  const tokens = `/projects/${project!.id}/tokens`;
  const made = await api.post<{ id: string; token: string }>(tokens, {
    name: 'CI',
    role_id: role!.id,
    expires_at,
  });
  marked.add('the API token of a project', made.token);
  await createApiClient(url, made.token).get('/projects');
  const rotated = await api.post<{ token: string }>(`${tokens}/${made.id}/rotate`, { expires_at });
  marked.add('a rotated API token of a project', rotated.token);

  const team = await api.post<{ id: number }>('/organizations/default/teams', { name: 'Crew' });
  const invitation = { type: 'private', email: 'ada@example.com' };
  const { public_accept_url } = await api.post<{ public_accept_url: string }>(
    `/teams/${team.id}/invitations`,
    invitation,
  );
  const link = new URL(public_accept_url);
  marked.add('the token of an invitation', link.searchParams.get('token') ?? '');
  const page = `${url}${link.pathname}${link.search}`;
  await fetch(page);
  const password = marked.make('the password of somebody new');
  for (const name of ['', 'Ada Lovelace']) {
    const body = new URLSearchParams({ email: invitation.email, password, name });
    await fetch(page, { method: 'POST', body });
  }
  await login(url, invitation.email, password);
}

async function signInAndFail({ url }: TestServer, marked: Marks): Promise<void> {
  const email = 'admin@example.com';
  const anonymous = createApiClient(url);
  const tokens = await login(url, email, adminPassword);
  marked.add('an access token', tokens.access_token);
  marked.add('a refresh token', tokens.refresh_token);
  const renewed = await anonymous.post<typeof tokens>('/users/refresh-token', {
    refresh_token: tokens.refresh_token,
  });
  marked.add('a renewed access token', renewed.access_token);
  marked.add('a renewed refresh token', renewed.refresh_token);
  const api = createApiClient(url, renewed.access_token);
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const { id, token } = await api.post<{ id: string; token: string }>('/users/personal-access-tokens', {
    name: 'for a script',
    expires_at,
  });
  marked.add('a personal access token', token);
  const rotated = await api.request<{ token?: string }>(
    'POST',
    `/users/personal-access-tokens/${id}/rotate`,
    {
      expires_at,
    },
  );
  if (rotated.body.token) marked.add('a rotated personal access token', rotated.body.token);

  await inviteAndJoin(url, api, marked, expires_at);

  const guess = marked.make('a mistyped password');
  const refusals = [
    await anonymous.request('POST', '/users/login', { email, password: guess }),
    await anonymous.request('POST', '/users/login', { email: guess, password: guess }),
    await anonymous.request('POST', '/users/login', { email, password: [guess], [guess]: guess }),
    await anonymous.request('POST', '/users/login', `{"email": "${email}", "password": ${guess}}`),
    await anonymous.request('POST', '/users/login', `email=x&password=${guess}`, {
      'content-type': 'application/x-www-form-urlencoded',
    }),
    await anonymous.request('POST', '/users/refresh-token', { refresh_token: guess }),
    await createApiClient(url, guess).request('GET', '/users/me'),
    await anonymous.request('GET', '/users/me', undefined, { authorization: `Basic ${btoa(`me:${guess}`)}` }),
    await anonymous.request('GET', `/users/me?access_token=${encodeURIComponent(guess)}`),
    await anonymous.request('GET', `/${encodeURIComponent(guess)}/%zz?token=${encodeURIComponent(guess)}`),
    await anonymous.request('GET', '/users/me', undefined, { cookie: `session=${guess}` }),
  ];
  for (const { status } of refusals) assert.ok(status >= 400 && status < 500, String(status));
}

type Site = {
  applicationId: number;
  credentialId: number;
  pipelineId: number;
  given: { id: string; secret: string };
  generated: { id: string; secret: string };
  outgoing: string[];
  hidden: string;
};

async function buildSite(workplace: Workplace, marked: Marks, receiver: string): Promise<Site> {
  const { api, environmentId } = workplace;
  const first = marked.make('the first access token of a source provider');
  const second = marked.make('the access token of a source provider');
  marked.add('the beginning of the access token', second.slice(0, 12));
  const credential = await api.post<{ id: number }>(`/environments/${environmentId}/credentials`, {
    name: 'GitHub',
    provider_code: 'github',
    settings: { access_token: first },
  });
  await api.put(`/credentials/${credential.id}`, { name: 'GitHub', settings: { access_token: second } });
  const application = await api.post<{ id: number }>(`/environments/${environmentId}/applications`, {
    name: 'web',
    repository: 'octocat/hello-world',
    credential_id: credential.id,
  });
  const { privateKey } = keyPair(undefined, 'a test');
  for (const line of linesOf(privateKey)) marked.add('an SSH private key', line);
  await api.post(`/environments/${environmentId}/servers`, {
    hostname: 'one',
    ip_address: '192.0.2.1',
    ssh_private_key: privateKey,
  });
  const broken = marked.make('an SSH private key that cannot be read');
  const refused = await api.request('POST', `/environments/${environmentId}/servers`, {
    hostname: 'two',
    ip_address: '192.0.2.2',
    ssh_private_key: `-----BEGIN OPENSSH PRIVATE KEY-----\n${broken}\n-----END OPENSSH PRIVATE KEY-----\n`,
  });
  assert.equal(refused.status, 422);

  const hidden = marked.make('a hidden variable');
  const document = randomBytes(150).toString('base64').replaceAll(/.{50}/g, '$&\n').trim();
  for (const line of linesOf(document)) marked.add('a line of a hidden variable', line);
  const variables = { HIDDEN: hidden, DOCUMENT: document };
  for (const [key, value] of Object.entries(variables))
    await api.post(`/variables/application/${application.id}`, { key, value, hidden: true });
  const badValue = await api.request('POST', `/variables/application/${application.id}`, {
    key: 'not a name',
    value: marked.make('the value of a refused variable'),
    hidden: 'yes',
  });
  assert.equal(badValue.status, 422);

  const pipelineId = await createPipeline(workplace, application, [
    'touch "$HOOKLINE_RELEASE_DIR/started"; until test -e "$HOOKLINE_RELEASE_DIR/go"; do sleep 0.05; done',
    'echo "$HIDDEN"; printf %s "$HIDDEN" | base64; printf "https://x/?q=%s\\n" "$HIDDEN"',
    'set -x; printf %s "$HIDDEN" | cut -c1-10 >/dev/null; test -n "$HIDDEN"; set +x',
    'echo "$DOCUMENT" | sed "s/^/    /"; printf %s "$DOCUMENT" | base64',
    'echo "$HIDDEN" >&2; exit 3',
  ]);
  const given = await createIncomingHook(workplace, pipelineId, {
    secret: marked.make('the given secret of a hook'),
  });
  const generated = await createIncomingHook(workplace, pipelineId, { secret_header_name: 'x-gitlab-token' });
  marked.add('the generated secret of a hook', generated.secret);

  const tokenInPath = marked.add('a token in the path of a URL', randomBytes(18).toString('hex'));
  const tokenInQuery = marked.add('a token in the query of a URL', `t0ken-${randomBytes(6).toString('hex')}`);
  const password = marked.make('a password in a Basic header');
  const target = `${receiver}/{{ action.id }}/services/${tokenInPath}?token=${tokenInQuery}`;
  const settings = {
    request_headers: [
      { name: 'Authorization', value: `Bearer ${marked.make('an authorization header')}` },
      { name: 'X-Api-Key', value: marked.make('a key in a header') },
      { name: 'Proxy-Authorization', value: `Basic ${btoa(`me:${password}`)}` },
    ],
    request_body: {
      state: '{{ action.status }}',
      access: '{{ application.source_provider.access_token }}',
      url: '{{ application.source_provider.access_token | url_encode }}',
      token: marked.make('a token in a body'),
    },
  };
  const trigger_when = { events: ['action.started', 'action.failed'] };
  const outgoing = [
    await createOutgoingHook(workplace, pipelineId, target, { settings, trigger_when }),
    // Nobody listens there.
    await createOutgoingHook(workplace, pipelineId, target.replace(/:\d+/, ':1'), { settings, trigger_when }),
    // No request comes of these, and the reason tells why.
    await createOutgoingHook(workplace, pipelineId, `${target}&x={{ action.no_such_thing }}`, {
      settings,
      trigger_when,
    }),
    await createOutgoingHook(workplace, pipelineId, target.replace('/{{', ':9{{'), {
      settings,
      trigger_when,
    }),
    // The echo of this is cut off in the middle of the token.
    await createOutgoingHook(workplace, pipelineId, `${receiver}/long`, {
      settings: { request_body: '{{ application.source_provider.access_token }}' },
      trigger_when,
    }),
  ];
  const bad = await api.request('POST', `/pipelines/${pipelineId}/hooks/outgoing`, {
    name: 'out',
    target_url: `${target}{{ oops `,
    settings: { ...settings, request_body: `{{ ${marked.make('a token in a faulty template')} ` },
  });
  assert.equal(bad.status, 422);
  return {
    applicationId: application.id,
    credentialId: credential.id,
    pipelineId,
    given,
    generated,
    outgoing,
    hidden,
  };
}

async function triggerAndFail(
  workplace: Workplace,
  { given, generated }: Site,
  marked: Marks,
): Promise<void> {
  const anonymous = createApiClient(workplace.url);
  const trigger = `/hooks/${given.id}/trigger`;
  const other = marked.make('a wrong secret of a sender');
  const token = marked.make('a token that a sender sends along');
  const extra = { authorization: `Bearer ${token}`, 'x-gitlab-token': token, cookie: `a=${token}` };
  const signed = githubHeaders('push', given.secret, push);
  const answers = [
    await anonymous.request('POST', trigger, push, { ...githubHeaders('push', other, push), ...extra }),
    await anonymous.request('POST', trigger, push, extra),
    // As senders do that know no signatures: the secret itself, where the signature should be.
    await anonymous.request('POST', trigger, push, { 'x-hub-signature-256': given.secret }),
    await anonymous.request('POST', `/hooks/${generated.id}/trigger`, push, {
      'x-gitlab-token': generated.secret,
    }),
    await anonymous.request('POST', `/hooks/${generated.id}/trigger`, push, { 'x-gitlab-token': other }),
    await anonymous.request('POST', `${trigger}?token=${encodeURIComponent(token)}`, push, extra),
    await anonymous.request('POST', trigger, '{"no json', {
      ...signed,
      'x-hub-signature-256': sign(given.secret, '{"no json'),
    }),
    await anonymous.request('POST', trigger, push, { ...signed, 'content-type': 'text/csv' }),
  ];
  for (const { status } of answers) assert.ok(status >= 400 && status < 500, String(status));
}

/** Runs the pipeline to its end; `during` looks around while a step is running. */
async function runEverything(
  workplace: Workplace,
  { given }: Site,
  marked: Marks,
  { dataFolder, during }: { dataFolder: string; during: () => void },
): Promise<{ id: number }> {
  const headers = {
    authorization: `Bearer ${marked.make('a token beside a right signature')}`,
    'x-gitlab-token': marked.make('a token of GitLab beside a right signature'),
  };
  const receipt = await sendSigned(workplace, given, push, { headers });
  assert.equal(receipt.status, 202, receipt.body.message);
  const id = receipt.body.action_id ?? assert.fail('no action');
  const folder = join(dataFolder, 'workspaces', String(id));
  await until(async () => existsSync(join(folder, 'started')), 'the first step to run');
  during();
  writeFileSync(join(folder, 'go'), '');
  const action = await untilAction(workplace, id);
  assert.equal(action.status, 'failed');
  assert.match(action.status_reason_human_readable, /Step 5 .* exited with code 3/);
  return action;
}

/** Until each delivery of the action was sent once or cannot be sent. */
async function untilTried({ api }: Workplace, hooks: string[]): Promise<void> {
  for (const hook of hooks) {
    await until(async () => {
      type Delivery = { status: string; attempts: number };
      const deliveries = await api.get<Delivery[]>(`/hooks/outgoing/${hook}/deliveries`);
      const tried = deliveries.filter(({ status, attempts }) => attempts > 0 || status === 'skipped');
      // The second event waits for the first, which is tried again only later.
      return deliveries.length === 2 && tried.length > 0;
    }, `the deliveries of hook ${hook}`);
  }
}

/** Faults of our own, which are logged with all that the errors tell. */
async function failInside(
  { api, url }: Workplace,
  { given, pipelineId }: Site,
  database: TestDatabase,
  server: TestServer,
): Promise<void> {
  await executeSql(database, `update variables set value_sealed = 'v1.AAAAAAAA.AAAA.AAAA'`);
  const { id } = await api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {});
  await untilAction({ api }, id);
  await executeSql(database, 'alter table hooks rename to hooks_elsewhere');
  // With a new registry in memory it would be found there.
  const answer = await api.request('GET', `/hooks/incoming/${given.id}`);
  assert.equal(answer.status, 500);
  await createApiClient(url).request('POST', `/hooks/${given.id}/trigger`, push, {
    ...githubHeaders('push', given.secret, push),
  });
  await executeSql(database, 'alter table hooks_elsewhere rename to hooks');
  await until(async () => server.output().includes('"level":50'), 'the faults to be logged');
}

/** Every file below the data folder but the key file itself, as Latin-1. */
function filesIn(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'secret.key')
    .map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')]);
}

async function storedPayloads(database: TestDatabase): Promise<string> {
  const contents = database.kind === 'sqlite' ? sqlitePayloads(database) : await postgresPayloads(database);
  assert.notDeepEqual(contents, []);
  return contents.map((content) => zstdDecompressSync(content).toString('latin1')).join('\n');
}

const payloads = 'select content from request_payloads';

function sqlitePayloads({ env }: TestDatabase): Buffer[] {
  const file = new SqliteDatabase(join(env.HOOKLINE_DATA ?? '', 'hookline.db'), { readonly: true });
  try {
    return file.prepare<[], Buffer>(payloads).pluck().all();
  } finally {
    file.close();
  }
}

async function postgresPayloads({ env }: TestDatabase): Promise<Buffer[]> {
  const client = new Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query<{ content: Buffer }>(payloads)).rows.map(({ content }) => content);
  } finally {
    await client.end();
  }
}

/** All that can be read of the scenario, as one text. */
async function answers({ api, environmentId }: Workplace, site: Site, actionId: number): Promise<string> {
  const texts: string[] = [];
  const read = async <Body>(path: string): Promise<Body> => {
    const body = await api.get<Body>(path);
    // Not as JSON, whose escapes would hide what is searched for.
    texts.push(allTexts(body).join('\n'));
    return body;
  };
  await read('/users/me');
  await read('/users/personal-access-tokens');
  await read('/organizations/default/audit-events?per_page=100');
  await read('/organizations/default/teams');
  await read(`/environments/${environmentId}/credentials`);
  await read(`/credentials/${site.credentialId}`);
  await read(`/environments/${environmentId}/servers`);
  await read(`/applications/${site.applicationId}/hooks`);
  type Read = { targets: { id: number; steps: { order?: number; step_order?: number }[] }[] };
  const { targets } = await read<Read>(`/actions/${actionId}`);
  for (const order of [1, 2, 3, 4, 5]) {
    const { step } = await read<{ step: { output: string } }>(
      `/actions/${actionId}/targets/${targets[0]?.id}/steps/${order}/logs`,
    );
    if (order > 1 && order !== 3) assert.match(step.output, /\*{8}/);
  }
  const outgoing = site.outgoing.map((id) => `outgoing/${id}`);
  for (const hook of [...outgoing, `incoming/${site.given.id}`, `incoming/${site.generated.id}`]) {
    await read(`/hooks/${hook}`);
    const records = await read<{ id: string }[]>(`/hooks/${hook}/requests`);
    for (const { id } of records) await read(`/hook-requests/${id}`);
    if (hook.startsWith('outgoing')) await read(`/hooks/${hook}/deliveries`);
  }
  return texts.join('\n');
}

function allTexts(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([key, item]) => [key, ...allTexts(item)]);
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.length >= 20 && !line.startsWith('-----'));
}

function echo({ path, headers, body }: ReceivedRequest): string {
  const basic = String(headers['proxy-authorization'] ?? '').replace('Basic ', '');
  return [path, decodeURIComponent(path), JSON.stringify(headers), atob(basic), body].join('\n');
}

/** What is kept of an answer ends in the middle of the secret. */
function cutInTheMiddle(secret: string): string {
  return 'x'.repeat(16 * 1024 - secret.length / 2) + secret;
}

function oneLine(text: string): string {
  return encodeURIComponent(text).slice(0, 4000);
}
