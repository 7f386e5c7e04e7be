import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive } from './alive.ts';
import { until } from './api-client.ts';
import { createTestDatabase } from './database.ts';
import type { DatabaseKind, TestDatabase } from './database.ts';
import { openWorkplace } from './fixtures.ts';
import type { TestAction, Workplace } from './fixtures.ts';
import { startGitServer } from './git-server.ts';
import type { TestGitServer } from './git-server.ts';
import { startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';
import { compiledFolder, startServer } from './server.ts';
import type { TestServer } from './server.ts';
import { startSshServer } from './ssh-server.ts';
import type { TestSshServer } from './ssh-server.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import type { TcpProxy } from './tcp-proxy.ts';

/** A step that ran, as it wrote it down itself. */
export type Ran = { actionId: number; step: string; target: string; pid: number };

/** A node with its database, the servers that it deploys to and whoever listens: what faults happen to. */
export type World = {
  kind: DatabaseKind;
  /** How much faster the nodes' clocks run. */
  factor: number;
  folder: string;
  /** Through the node that is meant to live. */
  work: Workplace;
  node: TestServer;
  receiver: Receiver;
  ssh: TestSshServer;
  git: TestGitServer;
  /** In front of the PostgreSQL of the first node. */
  proxy: TcpProxy | null;
  /** Starts a node: the same again, or another one beside it, which reaches the database directly. */
  start(which: 'again' | 'another'): Promise<void>;
  /** Brings back what a fault has taken away for as long as others take over. */
  back(): Promise<void>;
  /** What ran, in the order of its beginning. */
  ran(): Promise<Ran[]>;
  /** A bash line that writes a Ran down. */
  noteRan(step: string): string;
  /** A bash line that waits until `release`. */
  waitForRelease: string;
  release(): Promise<void>;
  /** The processes of a run that are there: what wrote itself down, and all that bear its address. */
  processesOf(actionId: number): Promise<number[]>;
};

/** Runs the real program, but for its clock, with places for `places` actions. */
export async function createWorld(
  ends: AsyncDisposableStack,
  options: { kind: DatabaseKind; factor: number; places: number },
): Promise<World> {
  const { kind, factor, places } = options;
  const folder = await mkdtemp(join(tmpdir(), 'hookline-recovery-'));
  ends.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  // Nobody ever writes to it.
  await promisify(execFile)('mkfifo', [join(folder, 'bell')]);
  const [database, receiver, ssh, git] = await Promise.all([
    createTestDatabase(kind),
    startReceiver(),
    startSshServer('ssh2'),
    startGitServer(),
  ]);
  ends.adopt(database, (made) => made.drop());
  ends.adopt(receiver, (started) => started.close());
  ends.adopt(ssh, (started) => started.stop());
  ends.adopt(git, (started) => started.stop());
  const proxy = kind === 'postgres' ? await startTcpProxy(() => portOf(database)) : null;
  if (proxy) ends.adopt(proxy, (started) => started.stop());

  const time = { since: Date.now(), factor };
  const address = `http://${folder.split('-').at(-1)!.toLowerCase()}.test`;
  let nodes = 0;
  const launch = async (databaseUrl: string | undefined, data: string): Promise<TestServer> => {
    const env = {
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
      HOOKLINE_DATA: data,
      HOOKLINE_URL: address,
      HOOKLINE_MAX_RUNNING_ACTIONS: String(places),
      HOOKLINE_REQUESTS_PER_MINUTE: '1000000',
      TEST_FAST_TIME: JSON.stringify(time),
      NODE_COMPILE_CACHE: compiledFolder,
    };
    const program = 'test/support/delivery-node.ts';
    return ends.adopt(await startServer({ database, program, env }), async (node) => {
      if (isAlive(node.pid)) process.kill(node.pid, 'SIGCONT');
      await node.stop();
    });
  };
  const through = proxy ? withPort(database, proxy.port) : undefined;
  const dataOf = (index: number) =>
    kind === 'sqlite' ? database.env['HOOKLINE_DATA']! : join(folder, `node-${index}`);
  const node = await launch(through, dataOf(0));

  const world: World = {
    kind,
    factor,
    folder,
    work: await openWorkplace(node),
    node,
    receiver,
    ssh,
    git,
    proxy,
    async start(which) {
      world.node =
        which === 'again'
          ? await launch(through, dataOf(nodes))
          : await launch(database.env['DATABASE_URL'], dataOf(++nodes));
      const api = await world.node.login();
      world.work = { ...world.work, url: world.node.url, api };
    },
    back: async () => undefined,
    async ran() {
      const text = await readFile(join(folder, 'ran'), 'utf8').catch(() => '');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(' '))
        .map(([id, step, target, pid]) => ({
          actionId: Number(id),
          step: step!,
          target: target!,
          pid: Number(pid),
        }));
    },
    noteRan: (step) => `echo "$HOOKLINE_ACTION_ID ${step} $HOOKLINE_TARGET $$" >> ${folder}/ran`,
    // Without a process for each look: all of these steps together would keep the machine busy.
    waitForRelease: `while [ -p ${folder}/bell -a ! -e ${folder}/released ]; do read -r -t 0.5 _ <>${folder}/bell || true; done`,
    release: () => writeFile(join(folder, 'released'), ''),
    async processesOf(actionId) {
      const noted = (await world.ran()).filter((one) => one.actionId === actionId).map(({ pid }) => pid);
      const marked = await findMarked(`HOOKLINE_ACTION_URL=${address}/actions/${actionId}`);
      return [...new Set([...noted.filter(isAlive), ...marked])];
    },
  };
  return world;
}

/** What asks so often that dozens of them leave the machine its time. */
const longestMs = 120_000;
const everyMs = 150;

/** The action once it has one of the statuses. A node that was cut off may answer meanwhile that it cannot. */
export async function untilStatus(
  { work }: World,
  id: number,
  statuses: readonly string[] = ['completed', 'failed', 'skipped'],
): Promise<TestAction> {
  const look = async () => {
    const { status, body } = await work.api.request<TestAction>('GET', `/actions/${id}`);
    return status === 200 && statuses.includes(body.status) && body;
  };
  return await until(look, `action ${id} to be ${statuses.join(' or ')}`, longestMs, everyMs);
}

/** Until a step has written down that it runs on so many targets. */
export async function untilRan(world: World, actionId: number, step: string, targets = 1): Promise<void> {
  await until(async () => {
    const found = (await world.ran()).filter((one) => one.actionId === actionId && one.step === step);
    return found.length >= targets;
  }, `step ${step} of action ${actionId} to run`);
}

async function findMarked(variable: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(variable);
    }),
  );
  return pids.filter((_, index) => marked[index]);
}

function portOf(database: TestDatabase): number {
  return Number(new URL(database.env['DATABASE_URL']!).port);
}

function withPort(database: TestDatabase, port: number): string {
  const url = new URL(database.env['DATABASE_URL']!);
  url.port = String(port);
  return url.href;
}
