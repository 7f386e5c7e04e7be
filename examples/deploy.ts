import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../test/support/free-port.ts';
import { onceWeAreGone } from '../test/support/watchdog.ts';
import { createDeployments } from './parts/deployments.ts';
import { readFiles, startGitHost } from './parts/git-host.ts';
import { startHookline, useHookline } from './parts/hookline.ts';
import { addServer, startMachine } from './parts/machine.ts';
import { serviceIn } from './parts/service.ts';
import { setUp } from './parts/workplace.ts';

/*
 * A deployment from the push to the page and back, on real parts: hello-web in a private repository of a git host, a
 * signed push for each of its commits, a Hookline that fetches, builds and switches on this machine or on a server by
 * SSH, and the commit statuses that arrive. Everything is made in a temporary folder, and taken away again.
 */

const usage = `npm run example [-- options]

  --target local|ssh   deploys on the machine of Hookline (as when left out), or on a server by SSH
  --url, --token       a Hookline that runs on this machine already, and an access token of it; it must have been
                       started with HOOKLINE_EGRESS_ALLOW=127.0.0.0/8
  --environment        which of its environments; 1 when left out
  --keep               leaves everything running at the end, until Ctrl-C
  --json               prints nothing but a summary, as one line of JSON`;

const { values: options } = parseArgs({
  options: {
    target: { type: 'string', default: 'local' },
    url: { type: 'string' },
    token: { type: 'string' },
    environment: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help || !['local', 'ssh'].includes(options.target) || !options.url !== !options.token) {
  console.log(usage);
  process.exit(options.help ? 0 : 1);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Whatever is left is ended and removed by those who watch over this process (`onceWeAreGone`).
    if (interrupted.signal.aborted) process.exit(1);
    interrupted.abort(new Error('Interrupted; what was made is taken away again.'));
  });
}

/** Undone in the opposite order, once the story has come to an end. */
const undo = new AsyncDisposableStack();
try {
  const summary = await tellStory(interrupted.signal);
  if (options.json) console.log(JSON.stringify(summary));
  if (options.keep && !interrupted.signal.aborted) {
    console.log(
      `\nhello-web stays at ${summary.page_url}, Hookline at ${summary.hookline_url}, until Ctrl-C.`,
    );
    await once(interrupted.signal, 'abort');
  }
} catch (error) {
  console.error(`✗ ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await undo.disposeAsync();
}

async function tellStory(signal: AbortSignal) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'hookline-example-')));
  const letFolderStay = onceWeAreGone('sleep 1; rm -rf "$1"', folder);
  undo.defer(async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    letFolderStay();
  });

  const gitHost = await startGitHost(folder, `ghp_${randomBytes(18).toString('hex')}`);
  undo.defer(() => gitHost.stop());
  const repository = await gitHost.createRepository('acme/hello-web');
  tell('A git host serves a private repository', `${gitHost.url}/acme/hello-web.git`);

  const machine = options.target === 'ssh' ? await startMachine() : null;
  if (machine) {
    undo.defer(() => machine.stop());
    tell(
      `A server takes commands by SSH (${machine.kind})`,
      `${machine.user}@${machine.host}:${machine.port}`,
    );
  }
  const deployDirectory = join(machine?.home ?? folder, 'srv', 'hello-web');
  const port = await freePort();
  const service = serviceIn(deployDirectory, port);
  undo.defer(() => service.stop());

  const hookline =
    options.url && options.token
      ? await useHookline(options.url, options.token)
      : await startHookline(join(folder, 'data'));
  undo.defer(() => hookline.stop());
  const { api } = hookline;
  tell('Hookline is up', `${hookline.url}, described at ${hookline.url}/docs`);
  const remember = (path: string) => undo.defer(() => api.delete(path).then(() => undefined));

  const environmentId = Number(options.environment);
  const server = machine ? await addServer(api, environmentId, machine) : null;
  if (server) {
    remember(`/servers/${server.id}`);
    tell('Before its key was installed there, Hookline said of the server', server.refusal);
    tell('Now it signs in', `with the host key pinned: ${server.connection.host_key_fingerprint}`);
  }
  const workplace = await setUp(
    api,
    {
      environmentId,
      gitHost,
      repository: repository.name,
      deployDirectory,
      port,
      serverId: server?.id ?? null,
    },
    remember,
  );
  tell('The pipeline has the steps', workplace.steps.join('\n'));
  tell('The git host sends its pushes to', workplace.incoming.url);

  const deployments = createDeployments({ hookline, gitHost, repository, workplace, service, tell, signal });
  const files = await readFiles(join(import.meta.dirname, 'hello-web'));
  const app = files['app.js'] ?? '';

  const first = await deployments.push('Say hello', files, { executable: ['bin/restart.sh'] });
  const second = await deployments.push('Say hello again', {
    'app.js': app.replace('Hello from', 'Hello again from'),
  });
  const broken = await deployments.push('Break the build', {
    'build.js': "console.error('broken on purpose');\nprocess.exit(1);\n",
  });
  const rollback = await deployments.rollBack();
  tell('The releases', await deployments.releases());

  return {
    target: options.target,
    folder,
    deploy_directory: deployDirectory,
    hookline_url: hookline.url,
    git_url: gitHost.url,
    page_url: `http://127.0.0.1:${port}/`,
    server: server && { kind: machine?.kind, refusal: server.refusal, connection: server.connection },
    steps: workplace.steps,
    first,
    second,
    broken,
    rollback,
  };
}

function tell(what: string, detail: string): void {
  if (options.json || interrupted.signal.aborted) return;
  console.log(`✓ ${what}\n    ${detail.trim().replaceAll('\n', '\n    ')}`);
}
