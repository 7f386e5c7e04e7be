import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { build } from 'vite';
import { readDocument } from './support/document-blocks.ts';
import { createApplication, createPipeline, openWorkplace, type Workplace } from './support/fixtures.ts';
import { freePort } from './support/free-port.ts';
import { startServer, type TestServer } from './support/server.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..');
const readManifest = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;

describe('the packed SDK, installed into an empty project', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let project: string;
  let installed: string;
  let server: TestServer;
  let work: Workplace;
  let pipelineId: number;
  /** Of the README, by their names. */
  const examples = new Map<string, string>();

  before(async () => {
    project = await realpath(await mkdtemp(join(tmpdir(), 'hookline-sdk-')));
    ends.defer(() => rm(project, { recursive: true, force: true }));
    await Promise.all([install(), serve()]);
    const { parts } = await readDocument('sdk/README.md');
    for (const part of parts) if (part.kind === 'file') examples.set(part.name, part.content);
    assert.deepEqual([...examples.keys()], ['run.mjs', 'receiver.mjs', 'worker.ts', 'push.mjs']);
  });

  async function serve(): Promise<void> {
    server = ends.adopt(await startServer(), (started) => started.stop());
    work = await openWorkplace(server);
    const { id } = await createApplication(work);
    pipelineId = await createPipeline(work, { id }, ['echo "built for the README"']);
  }

  async function install(): Promise<void> {
    const npm = async (cwd: string, ...args: string[]) => {
      const options = ['--offline', '--no-audit', '--no-fund', '--cache', join(project, '.npm')];
      return (await run('npm', [...args, ...options], { cwd })).stdout;
    };
    const [packed] = JSON.parse(
      await npm(join(repository, 'sdk'), 'pack', '--json', '--pack-destination', project),
    ) as [{ filename: string }];
    await writeFile(join(project, 'package.json'), '{"name": "empty", "private": true}');
    await npm(project, 'install', join(project, packed.filename));
    installed = join(project, 'node_modules', '@hookline', 'sdk');
  }

  /** As its reader has it, but for the address of the server. */
  async function write(name: string, changes: Record<string, string> = {}): Promise<string> {
    let text = examples.get(name)!;
    for (const [from, to] of Object.entries({ 'http://localhost:8080': server.url, ...changes })) {
      text = text.replaceAll(from, to);
    }
    const file = join(project, name.replace(/\.ts$/, '.mjs'));
    await writeFile(file, name.endsWith('.ts') ? stripTypeScriptTypes(text) : text);
    return file;
  }

  const env = (more: Record<string, string> = {}) => ({
    PATH: process.env['PATH'],
    HOOKLINE_TOKEN: work.api.token,
    ...more,
  });

  test('it has what is needed and nothing else, and depends on nothing', async () => {
    const names = (await readdir(installed)).sort();
    assert.deepEqual(names, ['LICENSE', 'README.md', 'dist', 'package.json', 'src']);
    const [manifest, root] = await Promise.all([readManifest(installed), readManifest(repository)]);
    assert.equal(manifest['version'], root['version']);
    const [license, ours] = await Promise.all([
      readFile(join(installed, 'LICENSE'), 'utf8'),
      readFile(join(repository, 'LICENSE'), 'utf8'),
    ]);
    assert.equal(license, ours);
    for (const name of ['dependencies', 'peerDependencies', 'optionalDependencies', 'private'])
      assert.equal(manifest[name], undefined, name);
    const others = (await readdir(join(project, 'node_modules'))).filter((name) => !name.startsWith('.'));
    assert.deepEqual(others, ['@hookline']);
    const files = await readdir(join(installed, 'dist'), { recursive: true });
    const code = files.filter((name) => /\.(js|d\.ts)$/.test(name));
    assert.ok(code.length > 40);
    for (const name of code) {
      const text = await readFile(join(installed, 'dist', name), 'utf8');
      assert.ok(files.includes(`${name}.map`), `${name} has no map`);
      for (const [, target] of text.matchAll(/(?:from |import\()['"]([^'"]*)['"]/g))
        assert.match(target!, /^\.\.?\/.*\.js$/, `${name} imports ${target}`);
    }
  });

  test('the README runs a pipeline, follows its log, and verifies the webhook that tells of it', async (t) => {
    const node = await plainNode();
    t.diagnostic((await run(node, ['--version'])).stdout.trim());
    const port = await freePort();
    const { secret } = await work.api.post<{ secret: string }>(`/pipelines/${pipelineId}/hooks/outgoing`, {
      preset: 'generic',
      target_url: `http://127.0.0.1:${port}/`,
      trigger_when: { events: ['action.completed'] },
    });
    const receiver = spawn(
      node,
      [await write('receiver.mjs', { 'listen(3000)': `listen(${port}, () => console.log('up'))` })],
      {
        env: env({ HOOKLINE_SECRET: secret }),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const gone = once(receiver, 'exit');
    t.after(async () => {
      receiver.kill();
      await gone;
    });
    const told = untilPrinted(receiver.stdout.setEncoding('utf8'));
    const complained = untilPrinted(receiver.stderr.setEncoding('utf8'));
    await told(/^up$/m);

    const example = await write('run.mjs');
    const { stdout, stderr } = await run(node, [example, String(pipelineId)], { env: env() });
    assert.equal(stderr, '');
    assert.match(stdout, /^built for the README\ncompleted: http\S+\/actions\/\d+\n$/);
    const webhook = await told(/^Webhook ([0-9a-f-]{36}): (\{.*\})$/m);
    // Safe: the preset makes it so.
    const { type, data } = JSON.parse(webhook[2]!) as { type: string; data: { action: { status: string } } };
    assert.deepEqual([type, data.action.status], ['action.completed', 'completed']);

    const forged = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' });
    assert.equal(forged.status, 401);
    await complained(/^WebhookVerificationError: The header webhook-id is missing\.$/m);
    const refused = run(node, [example, '999999'], { env: env() });
    await assert.rejects(refused, { code: 1, stderr: /^.+ \(not_found, request \S+\)\n$/ });
  });

  test('the README signs a push that an incoming hook takes', async () => {
    const hook = await work.api.post<{ url: string; secret: string }>(
      `/pipelines/${pipelineId}/hooks/incoming`,
      { preset: 'github', trigger_when: { conditions: [] } },
    );
    const address = `${server.url}${new URL(hook.url).pathname}`;
    const file = await write('push.mjs');
    const node = await plainNode();
    const { stdout } = await run(node, [file, address, hook.secret], { env: env() });
    assert.match(stdout, /^202 .*"action_id":\d+/);
    assert.match((await run(node, [file, address, 'another'], { env: env() })).stdout, /^401 /);
  });

  test("the README's receiver for edge runtimes takes what is signed and refuses what is not", async () => {
    const [{ default: worker }, { signWebhook }] = (await Promise.all([
      import(await write('worker.ts')),
      import(join(installed, 'dist', 'index.js')),
    ])) as [{ default: { fetch(request: Request, env: object): Promise<Response> } }, typeof import('#sdk')];
    const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const body = '{"type":"action.completed","data":{"action":{"id":7,"status":"completed"}}}';
    const send = async (key: string) => {
      const headers = await signWebhook(body, key, { id: 'msg_1' });
      const request = new Request('https://receiver.example/', { method: 'POST', body, headers });
      return await worker.fetch(request, { HOOKLINE_SECRET: secret });
    };
    const taken = await send(secret);
    assert.deepEqual(await taken.json(), { taken: 'msg_1: action.completed, action 7 is completed' });
    assert.equal((await send(secret.replace('A', 'B'))).status, 401);
  });

  // As a program for Node has it, which knows nothing of the DOM and looks at the declarations too; and as a bundler's has it.
  const projects = {
    nodenext: { module: 'nodenext', lib: ['es2022'], skipLibCheck: false },
    bundler: { module: 'esnext', lib: ['es2022', 'dom'], skipLibCheck: true },
  };
  for (const [moduleResolution, options] of Object.entries(projects)) {
    test(`TypeScript, when it is strict, takes the README as it is, by ${moduleResolution}`, async () => {
      const folder = join(project, moduleResolution);
      await mkdir(folder);
      for (const [name, text] of examples) await writeFile(join(folder, name.replace('.mjs', '.mts')), text);
      await writeFile(
        join(folder, 'more.mts'),
        `import { operations, type OperationFacts } from '@hookline/sdk/operations';
         import { createHooklineClient, events, getAction, HooklineError, listActions, listEnvironmentActions, pages, readPage, type Action } from '@hookline/sdk';
         const facts: OperationFacts | undefined = operations.find(({ id }) => id === 'getAction');
         const action: Action = await getAction({ path: { action_id: 1 } });
         // @ts-expect-error: the types are there, and say what is wrong.
         await getAction({ path: { action_id: 'one' } });
         const { items } = await readPage(listEnvironmentActions, { path: { environment_id: 1 }, query: { status: 'failed' } });
         const client = createHooklineClient({ baseUrl: 'http://localhost/api', token: async () => 'secret' });
         await getAction({ client, path: { action_id: 1 }, signal: AbortSignal.timeout(1000) });
         for await (const event of events(1, { client })) if (event.type !== 'log') event.data.status satisfies Action['status'];
         const ids: number[] = items.map(({ id }) => id);
         // @ts-expect-error
         pages(listActions, { query: { status: 'no such status' } });
         // @ts-expect-error
         pages(listActions, { query: { no_such_filter: 'failed' } });
         // @ts-expect-error: its path is left out.
         pages(listEnvironmentActions, {});
         export { facts, action, ids, HooklineError };`,
      );
      const compilerOptions = {
        ...options,
        moduleResolution,
        target: 'es2022',
        strict: true,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(repository, 'node_modules', '@types')],
      };
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*'] }));
      const faults = await run(join(repository, 'node_modules', '.bin', 'tsc'), ['-p', folder]).then(
        () => '',
        (error: { stdout: string }) => error.stdout,
      );
      assert.equal(faults, '');
    });
  }

  test('a bundle of it calls, follows, signs and verifies where there is nothing but the Web', async () => {
    const code = await bundle("export * from '@hookline/sdk';");
    const output: string[] = [];
    const sandbox = createContext({ ...webGlobals(), print: (line: string) => void output.push(line) });
    runInContext(code, sandbox);
    const script = `(async () => {
      for (const name of ['process', 'Buffer', 'require', 'global']) if (name in globalThis) throw name;
      const { Sdk } = globalThis;
      const client = Sdk.createHooklineClient({ baseUrl: '${server.url}/api', token: '${work.api.token}' });
      const { id } = await Sdk.addPipelineAction({ client, path: { pipeline_id: ${pipelineId} } });
      for await (const event of Sdk.events(id, { client })) if (event.type === 'log') print(event.data.content.trim());
      for await (const action of Sdk.pages(Sdk.listActions, { client })) if (action.id === id) print(action.status);
      await Sdk.getAction({ client, path: { action_id: 999999 } }).catch((error) => print(error.code));
      const away = Sdk.createHooklineClient({ baseUrl: 'http://127.0.0.1:1/api', retries: 0 });
      await Sdk.getAction({ client: away, path: { action_id: 1 } }).catch((error) => print(error.code));
      const ended = Sdk.createHooklineClient({ baseUrl: '${server.url}/api', signal: AbortSignal.abort() });
      await Sdk.getAction({ client: ended, path: { action_id: 1 } }).catch((error) => print(error.name));
      const secret = 'whsec_' + btoa('x'.repeat(32));
      const bytes = new TextEncoder().encode('zoë');
      for (const body of [bytes, bytes.buffer, 'zoë'])
        print((await Sdk.verifyWebhook({ body, headers: await Sdk.signWebhook(bytes, secret) }, secret)).text);
    })()`;
    await runInContext(script, sandbox);
    assert.deepEqual(output, [
      'built for the README',
      'completed',
      'not_found',
      'unreachable',
      'AbortError',
      'zoë',
      'zoë',
      'zoë',
    ]);
  });

  test('who only verifies webhooks gets no more than that into a bundle', async () => {
    const code = await bundle("export { verifyWebhook } from '@hookline/sdk';");
    assert.ok(code.length < 6000, `${code.length} characters`);
  });

  /** Of a module, for a place without modules; what it exports is `Sdk`. */
  async function bundle(module: string): Promise<string> {
    const entry = join(project, 'entry.js');
    await writeFile(entry, module);
    const made = await build({
      root: project,
      configFile: false,
      logLevel: 'silent',
      build: { write: false, target: 'es2022', lib: { entry, formats: ['iife'], name: 'Sdk' } },
    });
    const [first] = [made].flat();
    assert.ok(first && 'output' in first && first.output.length === 1);
    return first.output[0].code;
  }
});

/** Another Node than the one that the project brings along, where there is one that the SDK is for. */
async function plainNode(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder.includes('node_modules')) continue;
    const node = join(folder, 'node');
    const version = await run(node, ['--version']).then(
      ({ stdout }) => Number(/^v(\d+)/.exec(stdout)?.[1]),
      () => 0,
    );
    if (version >= 20) return node;
  }
  return process.execPath;
}

function untilPrinted(stream: NodeJS.ReadableStream): (pattern: RegExp) => Promise<RegExpExecArray> {
  let text = '';
  stream.on('data', (piece: string) => (text += piece));
  return async (pattern) => {
    for (;;) {
      const found = pattern.exec(text);
      if (found) return found;
      await once(stream, 'data');
    }
  };
}

/** What browsers and edge runtimes have in common, as far as Node has it. */
function webGlobals(): Record<string, unknown> {
  const names =
    'AbortController AbortSignal Blob DOMException FormData Headers ReadableStream Request Response TextDecoder TextEncoder URL URLSearchParams atob btoa clearTimeout crypto fetch setTimeout';
  // Safe: they are looked up by name, and all of them are there.
  return Object.fromEntries(
    names.split(' ').map((name) => [name, (globalThis as Record<string, unknown>)[name]]),
  );
}
