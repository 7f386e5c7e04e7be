import { once } from 'node:events';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { createArrivals, type WaitFor } from '../../test/support/arrivals.ts';
import { createGitBackend } from '../../test/support/git-backend.ts';
import { createRepository, type TestRepository } from '../../test/support/git-repository.ts';

export type CommitStatus = {
  owner: string;
  repository: string;
  sha: string;
  state: string;
  description: string;
  context: string;
  /** The page of the action, whose id is its end. */
  target_url: string;
};

/** What the example needs of a GitHub Enterprise: private repositories by HTTP, and the part of its API that takes statuses. */
export type GitHost = {
  url: string;
  /** The only one that opens anything. */
  token: string;
  createRepository(name: string): Promise<TestRepository>;
  /** In order of arrival; grows. */
  statuses: readonly CommitStatus[];
  waitForStatus: WaitFor<CommitStatus>;
  stop(): Promise<void>;
};

export async function startGitHost(folder: string, token: string): Promise<GitHost> {
  const root = join(folder, 'served');
  await mkdir(root, { recursive: true });
  const git = await createGitBackend(root);
  const arrivals = createArrivals<CommitStatus>(({ sha, state }) => `${state} of ${sha}`);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    if (tokenOf(request) !== token) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('Bad credentials\n');
    } else if (path.startsWith('/api/v3/')) {
      const place = /^\/api\/v3\/repos\/([^/]+)\/([^/]+)\/statuses\/([0-9a-f]{40})$/.exec(path);
      if (!place || request.method !== 'POST') {
        response.writeHead(404).end('{"message": "Not Found"}');
        return;
      }
      const [, owner = '', repository = '', sha = ''] = place;
      // Safe enough for an example: what it is used for is compared with what was expected.
      const body = (await json(request)) as Omit<CommitStatus, 'owner' | 'repository' | 'sha'>;
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id": 1}');
      arrivals.add({ ...body, owner, repository, sha });
    } else await git(request, response);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    token,
    createRepository: (name) =>
      createRepository(
        name,
        {
          bare: join(root, `${name}.git`),
          folder: join(folder, 'work', name),
          cloneUrl: `${url}/${name}.git`,
        },
        () => null,
      ),
    statuses: arrivals.all,
    waitForStatus: arrivals.waitFor,
    stop: async () => {
      arrivals.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Git sends it as the password of Basic authentication, for the API it is a bearer token. */
function tokenOf({ headers }: IncomingMessage): string | undefined {
  const [scheme, value = ''] = (headers.authorization ?? '').split(' ');
  if (scheme === 'Bearer') return value;
  return Buffer.from(value, 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '');
}

/** The text of every file below `folder` by its path, apart from what a build of it has left there. */
export async function readFiles(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const path of await readdir(folder, { recursive: true })) {
    if (/^(node_modules|release\.json)(\/|$)/.test(path)) continue;
    const place = join(folder, path);
    if ((await stat(place)).isFile()) files[path] = await readFile(place, 'utf8');
  }
  return files;
}
