import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runGit, testAuthor } from './run-git.ts';

export type TestRepository = {
  /** `acme/web` */
  name: string;
  /** Its working copy: `commit({})` also takes what was put there by other means, a link for instance. */
  folder: string;
  /**
   * Writes files (null deletes), commits and pushes; returns the full hash. A branch that is not there yet
   * starts at main. Nothing needs to have changed.
   */
  commit(files: Record<string, string | null>, options?: CommitOptions): Promise<string>;
  /** Makes the tag, or moves it there; to the newest commit of main unless told. With a message it is an annotated one. */
  tag(name: string, hash?: string, options?: { message?: string }): Promise<void>;
  /** Rewrites the branch to another commit, as a forced push does. */
  reset(branch: string, hash: string): Promise<void>;
  /** Not main, which must stay. */
  removeBranch(branch: string): Promise<void>;
  /**
   * Commits a submodule to main; returns the full hash. It is pinned to the newest commit of the repository at that
   * address if that is one of the same server; to a commit that is not there otherwise.
   */
  addSubmodule(path: string, url: string, options?: { message?: string }): Promise<string>;
};

export type CommitOptions = {
  message?: string;
  branch?: string;
  /** A name; the e-mail address stays the same. */
  author?: string;
  /** Files to mark as such, whether they are written by this commit or have been before. */
  executable?: string[];
};

/** Where it is kept, where it is worked on, and the address that it is served at. */
export type RepositoryPlaces = { bare: string; folder: string; cloneUrl: string };

/** What a git host does and git by itself does not. */
const bareSettings = {
  'http.uploadpack': 'true',
  'http.receivepack': 'false',
  // Any full hash that there is can be fetched, as from GitHub: also one that no branch leads to any more.
  'uploadpack.allowTipSHA1InWant': 'true',
  'uploadpack.allowReachableSHA1InWant': 'true',
  'uploadpack.allowAnySHA1InWant': 'true',
  'uploadpack.allowFilter': 'true',
  // Here as well: what a push starts at its other end does not inherit our settings.
  'gc.auto': '0',
};

/** Makes the bare repository and its working copy, without a commit. `findBare` tells where the server keeps an address. */
export async function createRepository(
  name: string,
  { bare, folder, cloneUrl }: RepositoryPlaces,
  findBare: (url: string) => string | null,
): Promise<TestRepository> {
  for (const path of [bare, folder]) await mkdir(path, { recursive: true });
  await runGit(bare, 'init', '--quiet', '--bare');
  for (const [key, value] of Object.entries(bareSettings)) await runGit(bare, 'config', key, value);
  await runGit(folder, 'init', '--quiet');
  await runGit(folder, 'remote', 'add', 'origin', bare);
  const git = (...args: string[]) => runGit(folder, ...args);

  const switchTo = async (branch: string) => {
    // Also right before the first commit, when main is not there yet.
    if ((await git('symbolic-ref', '--short', 'HEAD')) === branch) return;
    const isThere = (await git('branch', '--list', branch)) !== '';
    await git('checkout', '--quiet', ...(isThere ? [branch] : ['-b', branch, 'main']));
  };
  const commitAll = async (branch: string, message: string, author = testAuthor.name) => {
    await git('add', '--all', '--force');
    const by = `--author=${author} <${testAuthor.email}>`;
    await git('commit', '--quiet', '--allow-empty', `--message=${message}`, by);
    await git('push', '--quiet', 'origin', `refs/heads/${branch}`);
    return git('rev-parse', 'HEAD');
  };

  return {
    name,
    folder,
    async commit(files, { message = 'A change', branch = 'main', author, executable = [] } = {}) {
      await switchTo(branch);
      for (const [path, text] of Object.entries(files)) await write(join(folder, path), text);
      for (const path of executable) await chmod(join(folder, path), 0o755);
      return commitAll(branch, message, author);
    },
    async tag(tag, hash = 'refs/heads/main', { message } = {}) {
      const kind = message === undefined ? [] : ['--annotate', `--message=${message}`];
      await git('tag', '--force', ...kind, tag, hash);
      await git('push', '--quiet', '--force', 'origin', `refs/tags/${tag}`);
    },
    async reset(branch, hash) {
      await git('checkout', '--quiet', '-B', branch, hash);
      await git('push', '--quiet', '--force', 'origin', `refs/heads/${branch}`);
    },
    async removeBranch(branch) {
      await switchTo('main');
      await git('branch', '--quiet', '-D', branch);
      await git('push', '--quiet', 'origin', `:refs/heads/${branch}`);
    },
    async addSubmodule(path, url, { message = `Add ${path}` } = {}) {
      await switchTo('main');
      // By hand: `git submodule add` would clone it, and refuses the addresses that a test of refusals needs.
      await git('config', '--file', '.gitmodules', `submodule.${path}.path`, path);
      await git('config', '--file', '.gitmodules', `submodule.${path}.url`, url);
      const theirs = findBare(URL.canParse(url, `${cloneUrl}/`) ? new URL(url, `${cloneUrl}/`).href : url);
      const hash = await (theirs !== null && existsSync(theirs)
        ? runGit(theirs, 'rev-parse', 'refs/heads/main')
        : git('rev-parse', 'HEAD'));
      await git('update-index', '--add', '--cacheinfo', `160000,${hash},${path}`);
      // Without the folder the next commit would take it away again.
      await mkdir(join(folder, path), { recursive: true });
      return commitAll('main', message);
    },
  };
}

async function write(path: string, text: string | null): Promise<void> {
  if (text === null) return rm(path, { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
