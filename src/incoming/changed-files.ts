/** More than any sender lists; beyond that a list is as good as incomplete. */
const mostFiles = 5000;
/** GitHub lists no more commits of a push; GitLab and Gitea tell how many there were. */
const mostCommitsListed = 2048;

export type ChangedFiles = {
  files: string[];
  /** False when the sender left some out: then any file may be among them. */
  isComplete: boolean;
};

/**
 * The files that the commits of a push have added, changed or removed, as GitHub, GitLab, Gitea and Forgejo list them; null
 * where a payload lists none, as Bitbucket's.
 */
export function changedFiles(payload: unknown): ChangedFiles | null {
  if (typeof payload !== 'object' || payload === null) return null;
  let files = known.get(payload);
  if (files === undefined) known.set(payload, (files = filesOf(payload)));
  return files;
}

/** Several conditions ask for the same. */
const known = new WeakMap<object, ChangedFiles | null>();

function filesOf(payload: object): ChangedFiles | null {
  const push = asRecord(payload);
  const commits = push?.['commits'];
  if (!push || !Array.isArray(commits)) return null;
  const files = new Set<string>();
  let isListed = commits.length === 0;
  for (const commit of commits) {
    for (const kind of ['added', 'modified', 'removed']) {
      const paths = asRecord(commit)?.[kind];
      if (!Array.isArray(paths)) continue;
      isListed = true;
      for (const path of paths) {
        if (typeof path === 'string' && files.size < mostFiles) files.add(path);
      }
    }
  }
  if (!isListed) return null;
  const total = push['total_commits_count'] ?? push['total_commits'];
  const isComplete =
    !isMoved(push, commits) &&
    files.size < mostFiles &&
    commits.length < mostCommitsListed &&
    !(typeof total === 'number' && total > commits.length);
  return { files: [...files], isComplete };
}

/** A branch that is put on other commits without bringing any: what differs between the two nobody tells. */
function isMoved(push: Record<string, unknown>, commits: unknown[]): boolean {
  const { ref, before, after, forced } = push;
  if (typeof ref !== 'string' || !ref.startsWith('refs/heads/')) return false;
  return forced === true || (commits.length === 0 && before !== after && !/^0+$/.test(String(after)));
}

function asRecord(value: unknown): Record<string, unknown> | null {
  // Safe: any object can be asked for its keys.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}
