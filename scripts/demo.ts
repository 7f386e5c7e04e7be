import { spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import examples from '@octokit/webhooks-examples' with { type: 'json' };

/*
 * The main job in one go, on real input: GitHub's own pull-request payload, signed, becomes a run of a pipeline, and
 * each change of the run arrives as a commit status at a small receiver that stands for GitHub.
 */

const { values: options } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (options.help) {
  console.log('npm run demo [-- --keep]\n\n  --keep  leave the server running afterwards, until Ctrl-C');
  process.exit();
}

const password = 'demo-password';
const data = await mkdtemp(join(tmpdir(), 'hookline-demo-'));
const statuses: {
  url: string;
  authorization: string;
  body: { state: string; description: string; target_url: string };
}[] = [];
const github = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    statuses.push({
      url: request.url ?? '',
      authorization: request.headers.authorization ?? '',
      body: JSON.parse(text) as (typeof statuses)[number]['body'],
    });
    response.writeHead(201, { 'content-type': 'application/json' }).end('{"id": 1}');
    arrived();
  });
});
let arrived = () => undefined as void;

const server = spawn(process.execPath, ['src/main.mjs', 'serve'], {
  env: {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    PORT: '0',
    HOOKLINE_DATA: data,
    HOOKLINE_ADMIN_PASSWORD: password,
    HOOKLINE_LOG_LEVEL: 'warn',
    // The stand-in for GitHub listens on this machine, which outgoing hooks may not reach unless allowed.
    HOOKLINE_EGRESS_ALLOW: '127.0.0.0/8',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});

try {
  await run();
} finally {
  github.close();
  github.closeAllConnections();
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('exit', resolve));
  await rm(data, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const url = await serverAddress();
  step('The server is up', url);

  const session = await call<{ access_token: string }>('POST', `${url}/api/users/login`, {
    email: 'admin@localhost',
    password,
  });
  const api = <Result>(method: string, path: string, body?: object) =>
    call<Result>(method, `${url}/api${path}`, body, { authorization: `Bearer ${session.access_token}` });
  step('Signed in', 'admin@localhost');

  await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve));
  const address = github.address();
  const githubUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const credential = await api<{ id: number }>('POST', '/environments/1/credentials', {
    name: 'GitHub',
    provider_code: 'github',
    settings: { access_token: 'ghp_demo_token', api_url: githubUrl },
  });
  const application = await api<{ id: number; name: string }>('POST', '/environments/1/applications', {
    name: 'hello-world',
    repository: 'Codertocat/Hello-World',
    credential_id: credential.id,
  });
  const pipeline = await api<{ id: number }>('POST', `/pipelines/application/${application.id}`, {
    name: 'deploy',
    operation: 'deploy',
    // The repository is not reachable from everywhere; the steps stand for a build.
    default_steps: false,
    steps: [
      {
        name: 'build',
        command: 'echo "building $HOOKLINE_VAR_SOURCE_REF at $HOOKLINE_VAR_COMMIT_HASH"; sleep 0.3',
      },
      { name: 'release', command: 'echo "live: pull request #$HOOKLINE_VAR_PULL_REQUEST_ID"' },
    ],
  });
  step('Created an application and a pipeline of two steps', `pipeline ${pipeline.id}`);

  const incoming = await api<{ url: string; secret: string }>(
    'POST',
    `/pipelines/${pipeline.id}/hooks/incoming`,
    {
      name: 'Deploy pull requests',
      requires_secret: true,
      secret_algorithm: 'sha256',
      secret_header_name: 'x-hub-signature-256',
      settings: {
        variables: [
          { name: 'source_type', type: 'string', default_value: 'branch' },
          { name: 'source_ref', path: 'pull_request.head.ref', type: 'string', required: true },
          { name: 'pull_request_id', path: 'pull_request.number', type: 'integer', required: true },
          { name: 'commit_hash', path: 'pull_request.head.sha', type: 'string', required: true },
        ],
      },
      trigger_when: {
        conditions: [{ type: 'request_body', path: 'action', accepted_values: ['opened', 'synchronize'] }],
      },
    },
  );
  step('Created an incoming hook', incoming.url);

  for (const [event, description] of [
    ['action.started', 'Deploying'],
    ['action.completed', 'Deployed'],
    ['action.failed', 'Not deployed'],
  ]) {
    await api('POST', `/pipelines/${pipeline.id}/hooks/outgoing`, {
      name: `Commit status: ${event}`,
      target_url: `${githubUrl}/repos/{{ application.repository_owner }}/{{ application.repository_name }}/statuses/{{ action.triggered_from.hook_parsed_variables.commit_hash }}`,
      settings: {
        request_headers: [
          { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
        ],
        request_body: {
          state: '{{ action.status | commit_state: "github" }}',
          target_url: '{{ action.url_web_permalink }}',
          description: `${description} #{{ action.triggered_from.hook_parsed_variables.pull_request_id }}`,
          context: 'ci/hookline(deploy)',
        },
      },
      trigger_when: { events: [event] },
    });
  }
  step('Created three outgoing hooks', 'commit status on start, completion and failure');

  const payload = pullRequest();
  const signature = createHmac('sha256', incoming.secret).update(payload).digest('hex');
  const sentAt = performance.now();
  const receipt = await call<{ message: string; action_id: number }>('POST', incoming.url, payload, {
    'x-github-event': 'pull_request',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${signature}`,
  });
  const tookMs = (performance.now() - sentAt).toFixed(1);
  step(
    `Sent GitHub's pull-request payload, ${payload.length} bytes, signed`,
    `${receipt.message} (${tookMs} ms)`,
  );

  await received(2);
  for (const { url: path, body } of statuses)
    step(`Received a commit status: ${body.state}`, `${path}  "${body.description}"`);
  if (statuses.some(({ authorization }) => authorization !== 'Bearer ghp_demo_token'))
    throw new Error('the token is missing');

  type Action = {
    status: string;
    status_reason_human_readable: string;
    targets: { id: number; steps: { order: number; name: string }[] }[];
  };
  const action = await api<Action>('GET', `/actions/${receipt.action_id}`);
  for (const target of action.targets) {
    for (const { order, name } of target.steps) {
      const log = await api<{ step: { output: string } }>(
        'GET',
        `/actions/${receipt.action_id}/targets/${target.id}/steps/${order}/logs`,
      );
      step(`Log of step ${order}, ${name}`, log.step.output.trim());
    }
  }
  step(`The action is ${action.status}`, statuses[0]!.body.target_url);

  if (!options.keep) return;
  console.log(`\nThe server stays at ${url} (admin@localhost, ${password}) until Ctrl-C.`);
  await new Promise<void>((resolve) => process.once('SIGINT', resolve));
}

async function serverAddress(): Promise<string> {
  return await new Promise((resolve, reject) => {
    let output = '';
    server.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const found = /listening on (http:\/\/\S+)\s/.exec(output);
      if (found) resolve(found[1]!);
    });
    server.once('exit', () => reject(new Error(`The server did not start: ${output}`)));
  });
}

async function received(count: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`only ${statuses.length} of ${count} statuses arrived`)),
      20_000,
    );
    arrived = () => {
      if (statuses.length < count) return;
      clearTimeout(timer);
      resolve();
    };
    arrived();
  });
}

async function call<Result>(
  method: string,
  url: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<Result> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: typeof body === 'string' ? body : body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return (text ? JSON.parse(text) : null) as Result;
}

function pullRequest(): string {
  const events = examples as unknown as { name: string; examples: { action?: string }[] }[];
  const payload = events
    .find(({ name }) => name === 'pull_request')
    ?.examples.find(({ action }) => action === 'opened');
  if (!payload) throw new Error('@octokit/webhooks-examples holds no pull request');
  return JSON.stringify(payload);
}

function step(what: string, detail: string): void {
  console.log(`✓ ${what}\n    ${detail.replaceAll('\n', '\n    ')}`);
}
