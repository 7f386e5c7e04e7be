import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { login, until, type ApiClient } from './support/api-client.ts';
import { openCli } from './support/cli.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { documentParts, readDocument, type DocumentBlock } from './support/document-blocks.ts';
import { openDocumentShell, type BlockRun } from './support/document-shell.ts';
import { openWorkplace } from './support/fixtures.ts';
import { freePort } from './support/free-port.ts';
import { startGitServer } from './support/git-server.ts';
import { guideScenes, type Page, type Scene } from './support/guide-scenes.ts';
import { addPerson } from './support/people.ts';
import { testCaPath } from './support/receiver.ts';
import { startServer, type TestServer } from './support/server.ts';
import { startSshServer, sshServerKinds } from './support/ssh-server.ts';

/*
 * Every block of commands in README.md and docs/ is run here as it is printed, from top to bottom, each document in an
 * environment and a folder of its own, on one server. `support/document-blocks.ts` says what a document can tell about a
 * block. What cannot be run here says why in the document: `<!-- not run: reason -->`.
 */

const documents = [
  'README.md',
  'sdk/README.md',
  'examples/README.md',
  ...(await Array.fromAsync(glob('docs/**/*.md'))).sort(),
].filter((path) => existsSync(path));

const password = 'correct-horse-battery';
const listed: { at: string; reason: string }[] = [];
let database: TestDatabase;
let server: TestServer;
let api: ApiClient;

before(async () => {
  database = await createTestDatabase('sqlite');
  server = await startServer({
    database,
    env: { HOOKLINE_ADMIN_EMAIL: 'admin@localhost', NODE_EXTRA_CA_CERTS: testCaPath },
  });
  api = await server.login();
});
after(async () => {
  await server?.stop();
  await database?.drop();
});

describe('the commands of the documents do what they say', { timeout: 600_000 }, () => {
  for (const path of documents) {
    test(path, (t) => runDocument(t, path));
  }
});

test('a block of commands is found wherever it stands, and what is said of it', () => {
  const fence = '```';
  const read = (lines: string[]) => documentParts('x.md', lines.join('\n'));
  const [run, file, listed_] = read([
    '1. In a list:',
    '',
    '   <!-- exit: 3 -->',
    '',
    `   ${fence}bash`,
    '   curl x',
    '     -d y',
    `   ${fence}`,
    '<!-- file: a.yaml -->',
    `${fence}yaml`,
    'a: 1',
    fence,
    `${fence}console`,
    '$ one \\',
    '> two',
    'printed …',
    fence,
  ]).parts;
  assert.partialDeepStrictEqual(run, { kind: 'commands', at: 'x.md:5', script: 'curl x\n  -d y\n', exit: 3 });
  assert.partialDeepStrictEqual(file, { kind: 'file', name: 'a.yaml', content: 'a: 1\n' });
  assert.partialDeepStrictEqual(listed_, { script: 'one \\\ntwo\n', prints: 'printed …\n', notRun: null });
  const loose = [
    ['    npm start'],
    [fence, 'hookline apps list', fence],
    [`${fence}text`, '$ curl -s x', fence],
  ];
  for (const lines of loose) assert.deepEqual(read(lines).loose, ['x.md:1']);
  const faulty: [lines: string[], said: RegExp][] = [
    [['<!-- no run: why -->', `${fence}bash`, 'x', fence], /"no run: why" means nothing/],
    [['<!-- prints -->', 'words'], /no block of what is printed/],
    [['<!-- prints -->', fence, 'x', fence], /nothing stands above that could print this/],
    [[`${fence}bash`, 'x'], /has no end/],
  ];
  for (const [lines, said] of faulty) assert.throws(() => read(lines), said);
});

test('every command that a sentence names is there, with its options', async (t) => {
  const cli = openCli(t);
  const help = new Map<string, string>();
  for (const path of documents) {
    const prose = (await readFile(path, 'utf8')).replaceAll(/^ *```[^]*?^ *```/gm, '');
    for (const [, code] of prose.matchAll(/`((?:npx )?hookline [a-z][^`]*)`/g)) {
      const words = code!.replaceAll(/\s+/g, ' ').replace('npx ', '').split(' ').slice(1);
      // The first words name the command; what follows are values of the reader's.
      const ofServer = words.filter((word) => /^[a-z][a-z-]*$/.test(word)).slice(0, 2);
      const name = groups.has(ofServer[0] ?? '') ? ofServer.join(' ') : (ofServer[0] ?? '');
      if (!help.has(name)) {
        const { code: ended, stdout, stderr } = await cli.run([...name.split(' '), '--help']);
        assert.equal(ended, 0, `${path}: \`${code}\`: ${stderr}`);
        assert.match(
          stdout,
          new RegExp(`^Usage: hookline ${name.replace(' ', '(?:\\|\\S+)? ')}`),
          `${path}: \`${code}\``,
        );
        help.set(name, stdout);
      }
      const known = help.get(name) ?? '';
      for (const option of words.filter((word) => word.startsWith('-') && word !== '-'))
        assert.ok(
          new RegExp(`(?:^|[ ,])${RegExp.escape(option)}(?:[ ,]|$)`, 'm').test(known),
          `${path}: \`${code}\`: there is no ${option}`,
        );
    }
  }
});

/** Commands whose first word is only the half of their name. */
const groups = new Set(
  'apps pipelines hooks actions deliveries servers credentials variables environments projects organizations teams roles tokens project-tokens audit secrets import'.split(
    ' ',
  ),
);

test('what is not run says why', (t) => {
  t.diagnostic(`${listed.length} blocks are not run:`);
  for (const { at, reason } of listed) t.diagnostic(`${at}: ${reason}`);
  assert.ok(listed.every(({ reason }) => reason.length > 10));
});

async function runDocument(t: TestContext, path: string): Promise<void> {
  const { parts, loose } = await readDocument(path);
  assert.deepEqual(loose, [], 'commands without a fence: nobody runs them; put them into ```bash');
  const blocks = parts.filter((part) => part.kind === 'commands');
  for (const { at, notRun } of blocks) if (notRun !== null) listed.push({ at, reason: notRun });
  if (blocks.every(({ notRun }) => notRun !== null)) return;

  const folder = await mkdtemp(join(tmpdir(), 'hookline-docs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const environment = await api.post<{ id: number; name: string }>('/projects/1/environments', {
    name: path.slice(-60),
    type: 'development',
  });
  const shell = await openDocumentShell({
    folder,
    env: {
      ...database.env,
      HOOKLINE_URL: server.url,
      HOOKLINE_TOKEN: api.token ?? '',
      HOOKLINE_ENVIRONMENT: String(environment.id),
    },
  });
  t.after(() => shell.stop());
  const answers: Record<string, string> = { password, email: 'admin@localhost' };
  const places: Record<string, string> = {
    'http://localhost:8080': server.url,
    'https://hooks.example.com': server.url,
    '/environments/1/': `/environments/${environment.id}/`,
  };
  const filled = (block: DocumentBlock) => ({ ...block, script: fill(block, places, answers) });
  const named = (name: string) =>
    blocks.find((block) => block.name === name) ?? assert.fail(`${path} has no block "${name}"`);
  const page: Page = {
    answers,
    api,
    environmentId: environment.id,
    environmentName: environment.name,
    folder,
    places,
    again: (name, change = (script) => script) => {
      const block = filled(named(name));
      return shell.run({ ...block, script: change(block.script) });
    },
  };
  const { before: first = {}, after: then = {} } = (await scenes[path]?.(t, page)) ?? {};
  for (const name of [...Object.keys(first), ...Object.keys(then)]) named(name);

  if (path !== 'README.md') await shell.run({ at: 'README.md', script: await whatTheReadmeSets() });
  for (const part of parts) {
    if (part.kind === 'file') {
      await writeFile(join(folder, part.name), replaceAll(part.content, places));
      continue;
    }
    if (part.notRun !== null) continue;
    if (part.name !== null) await first[part.name]?.();
    if (part.keepsRunning) {
      const job = await shell.start(filled(part));
      if (part.prints !== null) await job.printed((text) => isPrinted(part.prints!, text, places));
      continue;
    }
    const run = await shell.run(filled(part));
    if (part.prints !== null && !isPrinted(part.prints, run.stdout, places)) {
      assert.equal(run.stdout, part.prints, `${part.at} prints something else`);
    }
    remember(answers, part.script, run.stdout);
    if (part.name !== null) await then[part.name]?.(run);
  }
}

/** `HOOKLINE`, `TOKEN` and `field`, which other documents take from the first hook of README.md. */
async function whatTheReadmeSets(): Promise<string> {
  const { parts } = await readDocument('README.md');
  const signIn = parts.find((part) => part.kind === 'commands' && part.script.includes('field() {'));
  assert.ok(signIn?.kind === 'commands', 'README.md has no field()');
  return signIn.script.replaceAll('http://localhost:8080', server.url).replace('<password>', password);
}

function replaceAll(text: string, places: Record<string, string>): string {
  // The longest first: one may be within another.
  const printed = Object.keys(places).sort((one, other) => other.length - one.length);
  return printed.reduce((all, one) => all.replaceAll(one, places[one]!), text);
}

function fill(
  { at, script }: DocumentBlock,
  places: Record<string, string>,
  answers: Record<string, string>,
): string {
  return replaceAll(script, places).replaceAll(/<([a-z][a-z_-]*)>/g, (_whole, name: string) => {
    return answers[name] ?? assert.fail(`${at}: nothing before it has told what <${name}> is`);
  });
}

/** What a JSON answer calls an id, by the call that it is the answer to. */
const idsByCall: [call: RegExp, name: string][] = [
  [/hookline pipelines (?:get|create)/, 'pipeline_id'],
  [/\/hooks\/incoming/, 'incoming_hook_id'],
  [/\/hooks\/outgoing/, 'outgoing_hook_id'],
  [/\/pipelines\/\w+\/(?:\d+|<\w+>)['\s]/, 'pipeline_id'],
  [/\/environments\/\d+\/applications/, 'application_id'],
  [/\/environments\/\d+\/credentials/, 'credential_id'],
  [/\/environments\/\d+\/servers/, 'server_id'],
];

/** Fields of an answer are the placeholders of what follows. */
function remember(answers: Record<string, string>, script: string, stdout: string): void {
  const answer = parseObject(stdout) ?? parseFields(stdout);
  for (const [name, value] of Object.entries(answer)) {
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    if (name !== 'id') answers[name] = String(value);
    else {
      const call = idsByCall.find(([pattern]) => pattern.test(script));
      if (call) answers[call[1]] = String(value);
      if (call?.[1].endsWith('hook_id')) answers['hook_id'] = String(value);
    }
  }
  if ('access_token' in answer) answers['your_api_token'] = String(answer['access_token']);
}

/** Of what `hookline` prints of one object: `Url   https://…`. */
function parseFields(text: string): Record<string, unknown> {
  const lines = [...text.matchAll(/^(ID|[A-Z][a-z]+(?: [a-z]+)*) {2,}(\S.*)$/gm)];
  const told = lines.filter(([, , value]) => value !== '-');
  return Object.fromEntries(
    told.map(([, name, value]) => [name!.toLowerCase().replaceAll(' ', '_'), value!]),
  );
}

function parseObject(text: string): Record<string, unknown> | null {
  if (!text.trimStart().startsWith('{')) return null;
  try {
    // Safe: it begins with a brace, so what is parsed is an object.
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** `…` is anything within a line; a line of nothing else any number of lines. JSON may say more than is printed. */
function isPrinted(expected: string, output: string, places: Record<string, string>): boolean {
  const wanted = replaceAll(expected, places);
  // It calls itself by its name, and we call it by its number.
  const printed = output.replaceAll(server.url.replace('127.0.0.1', 'localhost'), server.url);
  const [object, found] = [parseObject(wanted), parseObject(printed)];
  if (object && found) return holds(object, found);
  const pattern = wanted
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '…' ? '[^]*?' : line.trimEnd().split('…').map(RegExp.escape).join('.*?')))
    .join('\n')
    .replaceAll('[^]*?\n', '[^]*?');
  return new RegExp(`^${pattern}$`).test(printed.replaceAll(/[ \t]+$/gm, '').trim());
}

function holds(wanted: unknown, found: unknown): boolean {
  if (wanted === '…') return found !== undefined;
  if (typeof wanted === 'string' && typeof found === 'string')
    return new RegExp(`^${wanted.split('…').map(RegExp.escape).join('[^]*?')}$`).test(found);
  if (typeof wanted !== 'object' || wanted === null) return wanted === found;
  if (typeof found !== 'object' || found === null) return false;
  // Safe: both are objects or lists.
  const fields = found as Record<string, unknown>;
  return Object.entries(wanted).every(([name, value]) => holds(value, fields[name]));
}

type Release = { name: string; status: string; is_live: boolean; commit: { hash: string } };
type Action = { status: string; status_reason_human_readable: string; completed_at: string | null };

const scenes: Record<string, Scene> = {
  ...guideScenes,

  'README.md': async () => ({
    after: {
      push: ({ stdout }) => assert.match(stdout, /"message":"Accepted as action \d+\."/),
      'what happened': ({ stdout }) => assert.equal(stdout, 'Completed.\ndeploying 4f2d1c9\n\n'),
    },
  }),

  'docs/deployments.md': async (t, { api: client, folder, places, again }) => {
    const git = await startGitServer();
    t.after(() => git.stop());
    const repository = await git.createRepository('acme/web');
    places['you/web'] = git.cloneUrl('acme/web');
    places['/srv/web'] = join(folder, 'srv');
    places['npm run build'] = 'echo built';
    places['sudo systemctl restart web'] = 'readlink $HOOKLINE_CURRENT_DIR';
    const action = (id: string) => client.get<Action>(`/actions/${id}`);
    const said = async (name: string) => (await again(name)).stdout;
    return {
      after: {
        watch({ stdout }) {
          assert.equal(stdout.match(/^event: .*$/gm)?.at(-1), 'event: end');
          assert.match(stdout, /^id: \d+\nevent: log\ndata: \{"step_id":\d+,"content":"built\\n"\}$/m);
        },
        async logs({ stdout }) {
          assert.match(stdout, /^==> local, step 2 "Build": completed\nbuilt\n==> local, step 3/m);
          assert.match(stdout, /^releases\/\d{8}-\d{6}-\d+$/m);
          await repository.commit({ 'README.md': 'Another one\n' });
          await again('deploy');
          await again('watch');
        },
        releases({ stdout }) {
          // Safe, here and below: the assertions look at what is in it.
          const [second, first] = JSON.parse(stdout) as [Release, Release];
          assert.deepEqual([second.is_live, first.is_live], [true, false]);
        },
        async 'roll back'() {
          const live = async () => {
            const [, first] = JSON.parse(await said('releases')) as [Release, Release];
            return first.is_live;
          };
          await until(live, 'the release before to be live');
        },
        async options() {
          git.hang();
          await again('deploy');
        },
        async cancel({ stdout }) {
          const id = String((JSON.parse(stdout) as { id: number }).id);
          await until(async () => (await action(id)).completed_at !== null, 'the end of what was cancelled');
          assert.match((await action(id)).status_reason_human_readable, /^Cancelled by /);
        },
      },
    };
  },

  'docs/environment-file.md': async (_t, { api: client, environmentId, places }) => {
    places['HOOKLINE_ENVIRONMENT=1'] = `HOOKLINE_ENVIRONMENT=${environmentId}`;
    return {
      after: {
        plan: ({ stdout }) => {
          assert.match(stdout, /^\+ application shop, pipeline Deploy, incoming hook Nightly$/m);
          assert.match(stdout, /^Plan: 10 to create, 0 to change, 0 to delete\.$/m);
          assert.doesNotMatch(stdout, /ghp_your_token|your-token|postgres:/);
        },
        apply: async ({ stdout }) => {
          assert.match(stdout, /^The environment is as the file says\.$/m);
          const hooks = await client.get<{ name: string }[]>(`/environments/${environmentId}/hooks`);
          assert.deepEqual(hooks.map(({ name }) => name).toSorted(), [
            'Chat',
            'Commit status',
            'GitHub',
            'Nightly',
          ]);
        },
      },
    };
  },

  'docs/live.md': async (_t, { api: client, environmentId, folder, places }) => {
    const port = await freePort();
    places['HOOKLINE_ENVIRONMENT=1'] = `HOOKLINE_ENVIRONMENT=${environmentId}`;
    places['localhost:3000'] = `localhost:${port}`;
    places['listen(3000)'] = `listen(${port})`;
    const hooks = () => client.get<object[]>(`/environments/${environmentId}/hooks`);
    return {
      before: {
        received: async () => void (await until(async () => (await hooks()).length === 1, 'the hook')),
      },
      after: {
        async received() {
          const received = () => readFile(join(folder, 'received.txt'), 'utf8').catch(() => '');
          await until(async () => (await received()).includes('completed'), 'the deliveries');
          assert.equal(await received(), 'action.started\naction.completed\n');
        },
        stream({ stdout }) {
          assert.match(stdout, /^id: \S+\nevent: ping\n/m);
          assert.equal(stdout.match(/"status":"completed"/g)?.length, 2);
          assert.match(stdout, /event: end\ndata: \{\}\n\n$/);
        },
      },
    };
  },

  'docs/mcp.md': async () => ({
    after: {
      token: ({ stdout }) => assert.match(stdout, /^hl_prj_/),
      curl: ({ stdout }) => assert.match(stdout, /"structuredContent":.*"Default project"/),
      program: ({ stdout }) => assert.match(stdout, /^\{.*"structuredContent":.*"Default project".*\}\n$/),
    },
  }),

  'docs/operations.md': async (_t, { places }) => {
    // Whoever has lost a password is somebody else here: the other documents need the administrator's.
    const work = await openWorkplace(server);
    const { email } = await addPerson(work, { role: 'viewer' });
    places['admin@localhost'] = email;
    return {
      after: {
        'lost password': async ({ stdout }) => {
          const found = / is (\S+)$/m.exec(stdout)?.[1] ?? assert.fail(stdout);
          assert.ok((await login(server.url, email, found)).access_token);
        },
      },
    };
  },

  'docs/servers.md': async (t, { places, again }) => {
    const machine = await startSshServer(sshServerKinds.at(-1) ?? 'ssh2');
    t.after(() => machine.stop());
    places['203.0.113.7'] = machine.host;
    places['"ssh_port": 22'] = `"ssh_port": ${machine.port}`;
    places['"ssh_user": "deploy"'] = `"ssh_user": "${machine.user}"`;
    const good = (run: BlockRun) =>
      assert.partialDeepStrictEqual(JSON.parse(run.stdout), {
        status: 'ok',
        message: `Signed in as ${machine.user}.`,
        host_key_fingerprint: machine.hostKeyFingerprint(),
      });
    return {
      after: {
        // By hand on the server: what the line would write into a file that this server does not read.
        add: ({ stdout }) =>
          machine.acceptKey(
            /^mkdir .* && echo '(.+)' >> ~\/\.ssh\/authorized_keys\n$/.exec(stdout)?.[1] ?? '',
          ),
        async test(run) {
          good(run);
          await machine.replaceHostKey();
          const refused = JSON.parse((await again('test')).stdout) as Record<string, string>;
          assert.equal(refused['status'], 'failed');
          assert.match(
            refused['message'] ?? '',
            /^The host key of web-1 \(127\.0\.0\.1, port \d+\) has changed: it was /,
          );
        },
        forget: async () => good(await again('test')),
      },
    };
  },
};
