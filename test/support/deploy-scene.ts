import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from './database.ts';
import type { DatabaseKind } from './database.ts';
import { openWorkplace, untilAction } from './fixtures.ts';
import type { TestAction, Workplace } from './fixtures.ts';
import { startGitServer } from './git-server.ts';
import type { TestGitServer } from './git-server.ts';
import type { TestRepository } from './git-repository.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';
import { startSshServer } from './ssh-server.ts';
import type { SshServerKind, TestSshServer } from './ssh-server.ts';

/** Where a scene deploys to: the machine of Hookline, or a server that is one of the kinds of SSH. */
export type Place = 'local' | SshServerKind;

export type Release = {
  name: string;
  status: string;
  is_live: boolean;
  action_id: number;
  commit: { hash: string } | null;
};

/** An application with a repository, a folder to be deployed into and a deploy pipeline of its own. */
export type TestDeployment = {
  /** `acme/…` at the scene's git host. */
  repository: TestRepository;
  /** Where it is deployed to; not there before the first time. */
  directory: string;
  applicationId: number;
  pipelineId: number;
  /** Runs the pipeline and waits for the end. */
  deploy(body?: Record<string, unknown>): Promise<TestAction>;
  /** As `deploy`, and throws unless it completes. */
  deployed(body?: Record<string, unknown>): Promise<TestAction>;
  /** Only starts it; returns the id of the action. */
  start(body?: Record<string, unknown>): Promise<number>;
  rollback(body?: Record<string, unknown>): Promise<TestAction>;
  /** All of them, the newest first. */
  releases(): Promise<Release[]>;
  /** The text of a file of what is live. */
  live(path: string): Promise<string>;
};

export type DeployScene = Workplace & {
  git: TestGitServer;
  server: TestServer;
  /** A folder to be thrown away. */
  folder: string;
  /** Those to deploy to, each with a home of its own; none for `local`. */
  servers: { id: number; ssh: TestSshServer }[];
  /** What the git host wants of those who read, from the first `requireToken` on. */
  token: string;
  createDeployment(options?: {
    files?: Record<string, string>;
    steps?: (string | Record<string, unknown>)[];
    application?: Record<string, unknown>;
    pipeline?: Record<string, unknown>;
  }): Promise<TestDeployment>;
  untilAction(id: number, statuses?: readonly string[]): Promise<TestAction>;
  /** What an action has printed, on all of its targets. */
  log(actionId: number): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** The real program with a real git host, and `servers` real servers when it is to deploy by SSH. */
export async function openDeployScene({
  place = 'local',
  database = 'sqlite',
  servers = 1,
  env = {},
}: {
  place?: Place;
  database?: DatabaseKind;
  servers?: number;
  env?: Record<string, string>;
} = {}): Promise<DeployScene> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = stack.adopt(await mkdtemp(join(tmpdir(), 'hookline-deploy-')), (made) =>
      rm(made, { recursive: true, force: true, maxRetries: 3 }),
    );
    const stored = stack.adopt(await createTestDatabase(database), (made) => made.drop());
    const git = stack.adopt(await startGitServer(), (started) => started.stop());
    const server = stack.adopt(await startServer({ database: stored, env }), (started) => started.stop());
    const workplace = await openWorkplace(server);
    const { api, environmentId } = workplace;
    const token = `tok-${randomUUID()}`;
    const idOf = async (path: string, body: object) => (await api.post<{ id: number }>(path, body)).id;
    const targets: DeployScene['servers'] = [];
    for (let number = 1; place !== 'local' && number <= servers; number++) {
      const ssh = stack.adopt(await startSshServer(place), (started) => started.stop());
      const id = await idOf(`/environments/${environmentId}/servers`, {
        hostname: `web-${number}`,
        ip_address: ssh.host,
        ssh_port: ssh.port,
        ssh_user: ssh.user,
        ssh_private_key: ssh.privateKey,
      });
      targets.push({ id, ssh });
    }
    const credentialId = await idOf(`/environments/${environmentId}/credentials`, {
      name: 'the git host',
      provider_code: 'gitlab',
      settings: { access_token: token, api_url: `${git.url}/api/v4` },
    });
    const untilEnd = (id: number, statuses?: readonly string[]) => untilAction(workplace, id, statuses);
    const log = (id: number) => api.get<string>(`/actions/${id}/logs`);

    return {
      ...workplace,
      git,
      server,
      folder,
      servers: targets,
      token,
      untilAction: untilEnd,
      log,
      async createDeployment({ files, steps = [], application = {}, pipeline = {} } = {}) {
        const name = `app-${randomUUID().slice(0, 8)}`;
        const repository = await git.createRepository(`acme/${name}`, files);
        const directory = join(folder, name);
        const applicationId = await idOf(`/environments/${environmentId}/applications`, {
          name,
          repository: repository.name,
          credential_id: credentialId,
          deploy_directory: directory,
          linked_resources: targets.map(({ id }) => ({ resource_type: 'server', resource_id: id })),
          ...application,
        });
        const pipelineId = await idOf(`/pipelines/application/${applicationId}`, {
          name: 'Deploy',
          operation: 'deploy',
          steps: steps.map((step) => (typeof step === 'string' ? { command: step } : step)),
          ...pipeline,
        });
        const start = (body: object = {}) => idOf(`/pipelines/${pipelineId}/actions`, body);
        const deploy = async (body = {}) => untilEnd(await start(body));
        return {
          repository,
          directory,
          applicationId,
          pipelineId,
          start,
          deploy,
          deployed: async (body) => {
            const action = await deploy(body);
            if (action.status === 'completed') return action;
            throw new Error(`${action.status_reason_human_readable}\n${await log(action.id)}`);
          },
          rollback: async (body = {}) =>
            untilEnd(await idOf(`/applications/${applicationId}/rollback`, body)),
          releases: () => api.get<Release[]>(`/applications/${applicationId}/releases?per_page=100`),
          live: (path) => readFile(join(directory, 'current', path), 'utf8'),
        };
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** The processes whose arguments or environment hold a text; our own is none of them. */
export async function processesWith(text: string, where: 'cmdline' | 'environ'): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Unreadable: it has ended.
      const held = await readFile(`/proc/${pid}/${where}`, 'utf8').catch(() => '');
      return held.includes(text);
    }),
  );
  return pids.filter((_, index) => found[index]);
}
