import { readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { everyChange } from './event-writer.ts';
import { createApplication, createOutgoingHook, createPipeline } from './fixtures.ts';
import type { TestAction, TestApplication } from './fixtures.ts';
import { untilRan, untilStatus } from './recovery-world.ts';
import type { World } from './recovery-world.ts';

/** An action in one of the states, as a fault finds it. */
export type Cell = {
  id: number;
  pipelineId: number;
  application: TestApplication;
  /** What ran before the fault, as often as it may: `step target`. */
  ran: string[];
  /** Waits behind it in its pipeline. */
  followerId: number | null;
  /** Where `current` pointed to before it. */
  live: string | null;
};

export type State = {
  name: string;
  /** What a fault finds of it: nothing begun, a step that runs, or one that is being ended for somebody. */
  is: 'waiting' | 'running' | 'cancelled';
  on: 'local' | 'ssh';
  /** When it is brought about: one needs the others, and one lasts for moments only. */
  order: 1 | 2 | 3;
  begin(world: World): Promise<Cell>;
  /** What it takes in the end, immediately before the fault, since it lasts for moments only. */
  finish?(world: World, cell: Cell): Promise<void>;
};

/** Places that the actions of all states need, so that one more has to stay pending. */
export const placesNeeded = 10;

export const states: readonly State[] = [
  {
    name: 'pending',
    is: 'waiting',
    on: 'local',
    order: 3,
    async begin(world) {
      const made = await definePipeline(world, 'pending', ['1']);
      // Takes the last place.
      const blocker = await trigger(world, made.pipelineId);
      await untilRan(world, blocker, '1');
      const other = await definePipeline(world, 'pending', ['1']);
      return { ...other, id: await trigger(world, other.pipelineId), ran: [], followerId: null, live: null };
    },
  },
  {
    name: 'waiting for its pipeline',
    is: 'waiting',
    on: 'local',
    order: 1,
    async begin(world) {
      const made = await definePipeline(world, 'waiting-for-pipeline', ['1'], { max_parallel_actions: 1 });
      const blocker = await trigger(world, made.pipelineId);
      await untilRan(world, blocker, '1');
      const id = await waitingBehind(world, made.pipelineId, {}, 'WAITING_CONCURRENCY_PIPELINE');
      return { ...made, id, ran: [], followerId: null, live: null };
    },
  },
  {
    name: 'waiting for a server',
    is: 'waiting',
    on: 'ssh',
    order: 1,
    async begin(world) {
      const servers = [await addServer(world, 'busy', { max_parallel_actions: 1 })];
      const first = await definePipeline(world, 'busy', ['1']);
      const blocker = await trigger(world, first.pipelineId, { servers });
      await untilRan(world, blocker, '1');
      const made = await definePipeline(world, 'waiting-for-server', ['1']);
      const id = await waitingBehind(world, made.pipelineId, { servers }, 'WAITING_CONCURRENCY_TARGET');
      return { ...made, id, ran: [], followerId: null, live: null };
    },
  },
  {
    name: 'in its first step on local',
    is: 'running',
    on: 'local',
    order: 1,
    // With a child in a session of its own.
    begin: (world) => beginRunning(world, 'first-step', { steps: ['1'], before: 'setsid sleep 300 &' }),
  },
  {
    name: 'in its second step on local',
    is: 'running',
    on: 'local',
    order: 1,
    begin: (world) => beginRunning(world, 'second-step', { steps: ['0', '2', '3'] }),
  },
  {
    name: 'in a step over SSH',
    is: 'running',
    on: 'ssh',
    order: 1,
    begin: async (world) =>
      beginRunning(world, 'ssh', {
        steps: ['0', '2', '3'],
        servers: [await addServer(world, 'web')],
        before: 'setsid sleep 300 &',
      }),
  },
  {
    name: 'on two servers',
    is: 'running',
    on: 'ssh',
    order: 1,
    begin: async (world) =>
      beginRunning(world, 'two-targets', {
        steps: ['1', '2'],
        servers: [await addServer(world, 'one'), await addServer(world, 'two')],
      }),
  },
  {
    name: 'in the build of a deployment',
    is: 'running',
    on: 'local',
    order: 1,
    async begin(world) {
      const repository = `acme/build-${Math.random().toString(36).slice(2)}`;
      await world.git.createRepository(repository, { 'index.html': 'hello' });
      const directory = join(world.folder, 'app');
      const holding = join(world.folder, 'holding');
      const fields = { repository: world.git.cloneUrl(repository), deploy_directory: directory };
      const build = `${world.noteRan('build')}; if [ -e ${holding} ]; then ${world.waitForRelease}; fi`;
      const options = { default_steps: true, max_parallel_actions: 1 };
      const made = await defineWith(world, 'build', [build], options, fields);
      const first = await untilStatus(world, await trigger(world, made.pipelineId));
      if (first.status !== 'completed') throw new Error(first.status_reason_human_readable);
      await writeFile(holding, '');
      const live = await readlink(join(directory, 'current'));
      const id = await trigger(world, made.pipelineId);
      await untilRan(world, id, 'build');
      const followerId = await waitingBehind(world, made.pipelineId);
      return { ...made, id, ran: ['build local'], followerId, live };
    },
  },
  {
    name: 'while an event of it is under way',
    is: 'running',
    on: 'local',
    order: 2,
    async begin(world) {
      let isSlow = true;
      world.receiver.setBehaviour(({ path }) => {
        const delayMs =
          isSlow && path.endsWith('/in-progress') && path.includes('event-under-way') ? 5000 : 0;
        if (delayMs > 0) isSlow = false;
        return { kind: 'answer', status: 200, delayMs };
      });
      const cell = await beginRunning(world, 'event-under-way', { steps: ['1'] });
      await world.receiver.waitFor(({ path }) => path === `/event-under-way/${cell.id}/in-progress`, 'it');
      return cell;
    },
  },
  {
    name: 'being cancelled, which its script ignores',
    is: 'cancelled',
    on: 'local',
    order: 2,
    async begin(world) {
      // It notes the cancel; what starts the steps asks it to end once more when the node is gone.
      const ignore = `trap '${world.noteRan('termed')}; trap "" TERM' TERM`;
      return await beginRunning(world, 'cancelled', { steps: ['1'], before: ignore });
    },
    async finish(world, cell) {
      await world.work.api.post(`/actions/${cell.id}/cancel`);
      await untilRan(world, cell.id, 'termed');
      cell.ran.push('termed local');
    },
  },
];

/** Begins an action of a pipeline of its own, and one that waits behind it. It is then in its first step that holds. */
async function beginRunning(
  world: World,
  name: string,
  options: { steps: string[]; servers?: number[]; before?: string },
): Promise<Cell> {
  const { steps, servers = [], before } = options;
  const made = await definePipeline(world, name, steps, { max_parallel_actions: 1 }, before);
  const id = await trigger(world, made.pipelineId, { servers });
  const holds = steps.find((step) => step !== '0')!;
  await untilRan(world, id, holds, Math.max(1, servers.length));
  const followerId = await waitingBehind(world, made.pipelineId, { servers });
  const ran = (await world.ran()).filter(({ actionId }) => actionId === id);
  return { ...made, id, ran: ran.map(({ step, target }) => `${step} ${target}`), followerId, live: null };
}

/** Step `0` only notes that it ran; every other one then waits for the release. */
async function definePipeline(
  world: World,
  name: string,
  steps: string[],
  fields: object = {},
  before = '',
): ReturnType<typeof defineWith> {
  const commands = steps.map((step) => {
    const first = `${world.noteRan(step)}; echo "step ${step} begins"`;
    const prepare = step === '1' || step === '2' ? before : '';
    return step === '0' ? first : `${prepare}\n${first}; ${world.waitForRelease}; echo "step ${step} ends"`;
  });
  return await defineWith(world, name, commands, fields);
}

async function defineWith(
  world: World,
  name: string,
  commands: string[],
  fields: object,
  applicationFields: Record<string, unknown> = {},
): Promise<{ pipelineId: number; application: TestApplication }> {
  const application = await createApplication(world.work, applicationFields);
  const pipelineId = await createPipeline(world.work, application, commands, { ...fields });
  const url = `${world.receiver.url}/${name}/{{ action.id }}/{{ action.status }}`;
  await createOutgoingHook(world.work, pipelineId, url, everyChange);
  return { pipelineId, application };
}

async function trigger(world: World, pipelineId: number, body: object = {}): Promise<number> {
  return (await world.work.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, body)).id;
}

async function waitingBehind(
  world: World,
  pipelineId: number,
  body: object = {},
  code = 'WAITING_CONCURRENCY_PIPELINE',
): Promise<number> {
  const id = await trigger(world, pipelineId, body);
  const { status_reason_code } = await untilStatus(world, id, ['waiting']);
  if (status_reason_code !== code) throw new Error(`action ${id} waits for ${status_reason_code}`);
  return id;
}

async function addServer({ work, ssh }: World, hostname: string, fields: object = {}): Promise<number> {
  const { id } = await work.api.post<{ id: number }>(`/environments/${work.environmentId}/servers`, {
    hostname,
    ip_address: ssh.host,
    ssh_port: ssh.port,
    ssh_user: ssh.user,
    ssh_private_key: ssh.privateKey,
    ...fields,
  });
  return id;
}
