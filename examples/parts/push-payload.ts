import type { TestRepository } from '../../test/support/git-repository.ts';
import { runGit } from '../../test/support/run-git.ts';

const nothingBefore = '0'.repeat(40);

/**
 * What GitHub sends for a push to main, as JSON text, from the commits that were pushed. `before` is null for the
 * push that made the branch.
 */
export async function pushPayload(
  { name: fullName, folder }: TestRepository,
  { before, after, hostUrl }: { before: string | null; after: string; hostUrl: string },
): Promise<string> {
  const git = (...args: string[]) => runGit(folder, ...args);
  const [owner = '', name = ''] = fullName.split('/');
  const url = `${hostUrl}/${fullName}`;
  const hashes = await git('rev-list', '--reverse', before === null ? after : `${before}..${after}`);
  const commits: Awaited<ReturnType<typeof describeCommit>>[] = [];
  for (const hash of hashes.split('\n')) commits.push(await describeCommit(git, hash, url));
  const head = commits.at(-1);
  if (!head) throw new Error(`nothing lies between ${before} and ${after}`);
  return JSON.stringify({
    ref: 'refs/heads/main',
    before: before ?? nothingBefore,
    after,
    created: before === null,
    deleted: false,
    forced: false,
    base_ref: null,
    compare: before === null ? `${url}/commit/${after}` : `${url}/compare/${before}...${after}`,
    commits,
    head_commit: head,
    repository: {
      id: 1,
      name,
      full_name: fullName,
      private: true,
      owner: { name: owner, login: owner, type: 'Organization' },
      html_url: url,
      url,
      clone_url: `${url}.git`,
      default_branch: 'main',
      master_branch: 'main',
    },
    pusher: { name: head.author.name, email: head.author.email },
    sender: { login: 'ada', id: 1, type: 'User' },
  });
}

async function describeCommit(git: (...args: string[]) => Promise<string>, id: string, url: string) {
  const line = await git('show', '--no-patch', '--format=%T%x00%cI%x00%an%x00%ae%x00%cn%x00%ce%x00%B', id);
  const [tree_id, timestamp, name, email, committer, committerEmail, message = ''] = line.split('\0');
  const changes = await git('diff-tree', '--root', '--no-commit-id', '-r', '--name-status', id);
  const changed = (letter: string) =>
    changes
      .split('\n')
      .filter((change) => change.startsWith(`${letter}\t`))
      .map((change) => change.slice(2));
  return {
    id,
    tree_id,
    distinct: true,
    message: message.trim(),
    timestamp,
    url: `${url}/commit/${id}`,
    author: { name, email },
    committer: { name: committer, email: committerEmail },
    added: changed('A'),
    removed: changed('D'),
    modified: changed('M'),
  };
}
