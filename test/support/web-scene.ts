import { randomUUID } from 'node:crypto';
import { createApiClient, until } from './api-client.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import {
  createIncomingHook,
  createOutgoingHook,
  openWorkplace,
  sendSigned,
  untilAction,
} from './fixtures.ts';
import type { IncomingHook, Workplace } from './fixtures.ts';
import { githubPayload } from './github.ts';
import { listAll } from './lists.ts';
import { startReceiver, type Receiver } from './receiver.ts';
import { startServer, type TestServer } from './server.ts';

/** A small firm's deployments, all of them real: what the pages of the dashboard have to show. */
export type WebScene = Workplace & {
  server: TestServer;
  database: TestDatabase;
  /** Stands for the git host and the chat. */
  receiver: Receiver;
  applications: { shop: number; blog: number };
  pipelines: { deploy: number; nightly: number; blog: number };
  machine: number;
  incoming: IncomingHook;
  outgoing: { status: string; chat: string };
  actions: { completed: number; failed: number; running: number; waiting: number };
  /** One that was answered and one that was refused. */
  requests: { accepted: string; refused: string };
  /** Of the chat, which does not answer. */
  delivery: string;
  teamId: number;
  /** The e-mail and password of the administrator. */
  account: { email: string; password: string };
  [Symbol.asyncDispose](): Promise<void>;
};

const colour = (code: number, text: string) => String.raw`\033[${code}m${text}\033[0m`;
const print = (...lines: string[]) => lines.map((line) => `printf '${line}\\n'`).join('\n');

const build = print(
  colour(36, '> shop@4.2.0 build'),
  'vite v8.3.8 building for production...',
  'transforming...',
  `${colour(32, '✓')} 412 modules transformed.`,
  `dist/index.html                 ${colour(2, '0.62 kB')}`,
  `dist/assets/index-Bx81.css     ${colour(2, '18.31 kB')}`,
  `dist/assets/index-Ch3w.js     ${colour(2, '142.87 kB')}`,
  colour(32, '✓ built in 1.84s'),
);
const check = `${print(
  `${colour(32, '✓')} cart › adds a product`,
  `${colour(32, '✓')} cart › keeps the price of then`,
  `${colour(32, '✓')} checkout › takes a voucher once`,
)}
if [ "$HOOKLINE_VAR_COMMIT_HASH" = ${'b'.repeat(40)} ]; then
${print(
  `${colour(31, '✗')} checkout › refunds what was cancelled`,
  colour(33, '  expected 200, got 500'),
  colour(31, 'Error: connect ECONNREFUSED 10.0.3.7:5432'),
  '    at TCPConnectWrap.afterConnect (node:net:1607:16)',
  '',
  colour(31, '1 failed, 3 passed'),
)}
exit 1
fi
${print(colour(32, '3 passed'))}`;

/** Starts the real program with its built dashboard, and has it run, fail, wait, deliver and refuse. */
export async function openWebScene(env: Record<string, string> = {}): Promise<WebScene> {
  const ends = new AsyncDisposableStack();
  try {
    return await open(ends, env);
  } catch (error) {
    await ends.disposeAsync();
    throw error;
  }
}

async function open(ends: AsyncDisposableStack, env: Record<string, string>): Promise<WebScene> {
  const account = { email: 'ada@example.com', password: 'correct-horse-battery' };
  const receiver = ends.adopt(
    // The chat is down; the git host takes every status.
    await startReceiver({
      behave: ({ path }) => ({ kind: 'answer', status: path.startsWith('/chat') ? 503 : 201 }),
    }),
    (started) => started.close(),
  );
  const database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
  const server = ends.adopt(
    await startServer({ database, env: { HOOKLINE_ADMIN_EMAIL: account.email, ...env } }),
    (started) => started.stop(),
  );
  const work = await openWorkplace(server);
  const { api, environmentId, organizationId } = work;
  const idOf = async <Id = number>(path: string, body: object) => (await api.post<{ id: Id }>(path, body)).id;

  const credentialId = await idOf(`/environments/${environmentId}/credentials`, {
    name: 'GitHub',
    provider_code: 'github',
    settings: { access_token: `ghp_${randomUUID().replaceAll('-', '')}`, api_url: receiver.url },
  });
  const application = (name: string) =>
    idOf(`/environments/${environmentId}/applications`, {
      name,
      repository: `acme/${name}`,
      credential_id: credentialId,
    });
  const applications = { blog: await application('blog'), shop: await application('shop') };
  await api.post(`/applications/${applications.shop}/variables`, { key: 'NODE_ENV', value: 'production' });
  const machine = await idOf(`/environments/${environmentId}/servers`, {
    hostname: 'web-1',
    ip_address: '203.0.113.7',
    ssh_user: 'deploy',
  });
  const pipeline = (owner: number, name: string, fields: object) =>
    idOf(`/pipelines/application/${owner}`, {
      name,
      operation: 'deploy',
      default_steps: false,
      max_parallel_actions: 1,
      ...fields,
    });
  const pipelines = {
    nightly: await pipeline(applications.shop, 'Nightly import', {
      operation: 'restart',
      steps: [
        { name: 'Import', command: `${print('importing 18,204 products ...')}\nsleep 600` },
        { name: 'Report', command: 'true' },
      ],
    }),
    blog: await pipeline(applications.blog, 'Publish', {
      steps: [{ name: 'Render', command: print('rendered 214 pages') }],
    }),
    deploy: await pipeline(applications.shop, 'Deploy', {
      steps: [
        { name: 'Build', command: build },
        { name: 'Test', command: check },
        { name: 'Go live', command: print(colour(32, 'live: https://shop.example.com')) },
      ],
    }),
  };
  const incoming = await createIncomingHook(work, pipelines.deploy, {
    name: 'Pushes to main',
    preset: 'github',
    trigger_when: { branches: ['main'] },
  });
  const status = await idOf<string>(`/pipelines/${pipelines.deploy}/hooks/outgoing`, {
    name: 'Commit status',
    preset: 'github-commit-status',
  });
  const chat = await createOutgoingHook(work, pipelines.deploy, `${receiver.url}/chat`, {
    name: 'Tell the chat',
    preset: 'slack-message',
  });
  const teamId = await idOf(`/organizations/${organizationId}/teams`, { name: 'Developers' });

  const push = async (hash: string, ref = 'refs/heads/main', hook = incoming) => {
    const payload = githubPayload('push', (example) => example['ref'] === 'refs/heads/master');
    const head_commit = { ...(payload['head_commit'] as object), id: hash };
    const answer = await sendSigned(
      work,
      hook,
      JSON.stringify({ ...payload, ref, after: hash, head_commit }),
    );
    return answer.body;
  };
  const run = async (id: number) => await idOf(`/pipelines/${id}/actions`, {});
  const pushed = async (hash: string) => {
    const { action_id, message, hook_request_id } = await push(hash);
    if (!action_id) throw new Error(message);
    await untilAction(work, action_id);
    return { action: action_id, request: hook_request_id };
  };

  await untilAction(work, await run(pipelines.blog));
  for (const digit of ['c', 'd']) await pushed(digit.repeat(40));
  const completed = await pushed('a'.repeat(40));
  const failed = await pushed('b'.repeat(40));
  await push('e'.repeat(40), 'refs/heads/experiment');
  const refused = await push('f'.repeat(40), 'refs/heads/main', { ...incoming, secret: 'not the secret' });
  const running = await run(pipelines.nightly);
  await untilAction(work, running, ['in-progress']);
  const waiting = await run(pipelines.nightly);
  await untilAction(work, waiting, ['waiting']);
  const delivery = await until(async () => {
    const all = await listAll<{ id: string; attempts: number }>(api, `/hooks/outgoing/${chat}/deliveries`);
    return all.find(({ attempts }) => attempts > 0)?.id;
  }, 'an attempt that the chat refuses');

  return {
    ...work,
    server,
    database,
    receiver,
    applications,
    pipelines,
    machine,
    incoming,
    outgoing: { status, chat },
    actions: { completed: completed.action, failed: failed.action, running, waiting },
    requests: { accepted: completed.request, refused: refused.hook_request_id },
    delivery,
    teamId,
    account,
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  };
}

/** The cookie of somebody's session, as `context.addCookies` takes it. */
export async function sessionCookie(url: string, account: { email: string; password: string }) {
  const answer = await createApiClient(url).request('POST', '/session', account);
  const [pair = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
  const [name = '', value = ''] = pair.split('=');
  return { name, value, url: `${url}/api`, httpOnly: true, sameSite: 'Strict' as const };
}
