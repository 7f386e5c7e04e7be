import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createArrivals } from './arrivals.ts';
import type { WaitFor } from './arrivals.ts';
import { createGitBackend } from './git-backend.ts';
import { createRepository } from './git-repository.ts';
import type { CommitOptions, TestRepository } from './git-repository.ts';

export type GitRequest = {
  method: string;
  /** With the query. */
  path: string;
  /** Of Basic authentication; null without. */
  user: string | null;
  password: string | null;
};

export type TestGitServer = {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  url: string;
  /** The address of a repository: `${url}/acme/web.git`, whether it is there or not. */
  cloneUrl(repository: string): string;
  /** Makes `acme/web` with a first commit of the files, of a README.md without any. */
  createRepository(
    name: string,
    files?: Record<string, string>,
    options?: Omit<CommitOptions, 'branch'>,
  ): Promise<TestRepository>;
  /** From now on reading needs this password, of any user; null opens it again. None or a wrong one: 401. */
  requireToken(token: string | null): void;
  /** In order of arrival; grows. */
  requests: readonly GitRequest[];
  waitFor: WaitFor<GitRequest>;
  /** Answers nothing from now on, as a git host that hangs; `release` answers what has waited, too. */
  hang(): void;
  release(): void;
  /** Stops, destroying open connections, and removes the repositories. Safe to call twice. */
  stop(): Promise<void>;
};

/** Starts a real git host on 127.0.0.1: smart HTTP, for reading, of repositories in a temporary folder. */
export async function startGitServer(): Promise<TestGitServer> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-git-'));
  const root = join(folder, 'served');
  await mkdir(root);
  const backend = await createGitBackend(root);
  const arrivals = createArrivals<GitRequest>(({ method, path }) => `${method} ${path}`);
  const running = new Set<Promise<void>>();
  let token: string | null = null;
  let hanging: PromiseWithResolvers<void> | null = null;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const basic = readBasic(request.headers.authorization);
    arrivals.add({ method: request.method ?? '', path: request.url ?? '', ...basic });
    await hanging?.promise;
    // Whoever has waited may have left.
    if (response.destroyed) return;
    if (token !== null && basic.password !== token) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('Authentication required\n');
      return;
    }
    await backend(request, response);
  }
  const server = createServer((request, response) => {
    const handled = handle(request, response)
      .catch((error: unknown) => {
        // A client that leaves in the middle is no fault.
        if (!response.destroyed) console.error('git server:', error);
        response.destroy();
      })
      .finally(() => running.delete(handled));
    running.add(handled);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cloneUrl = (repository: string) => `${url}/${repository}.git`;
  const findBare = (address: string) =>
    address.startsWith(`${url}/`) ? join(root, address.slice(url.length)) : null;

  const release = () => {
    hanging?.resolve();
    hanging = null;
  };

  return {
    url,
    cloneUrl,
    async createRepository(name, files = { 'README.md': `# ${name}\n` }, options = {}) {
      const places = {
        bare: join(root, `${name}.git`),
        folder: join(folder, 'work', name),
        cloneUrl: cloneUrl(name),
      };
      const repository = await createRepository(name, places, findBare);
      await repository.commit(files, { message: 'First commit', ...options });
      return repository;
    },
    requireToken: (next) => void (token = next),
    requests: arrivals.all,
    waitFor: arrivals.waitFor,
    hang: () => void (hanging ??= Promise.withResolvers()),
    release,
    stop: async () => {
      arrivals.close();
      if (server.listening) {
        const closed = once(server, 'close');
        server.close();
        server.closeAllConnections();
        await closed;
      }
      release();
      await Promise.all(running);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function readBasic(header: string | undefined): Pick<GitRequest, 'user' | 'password'> {
  const encoded = /^Basic (\S+)$/i.exec(header ?? '')?.[1];
  const pair = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8'));
  return { user: pair?.[1] ?? null, password: pair?.[2] ?? null };
}
