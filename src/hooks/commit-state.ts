type Status = 'pending' | 'waiting' | 'queued' | 'in-progress' | 'completed' | 'failed' | 'skipped';

/** What each git host calls the status of an action in its commit statuses (FIELD.md, "Reporting status"). */
const states: Record<string, Record<Status, string>> = {
  github: {
    pending: 'pending',
    waiting: 'pending',
    queued: 'pending',
    'in-progress': 'pending',
    completed: 'success',
    failed: 'failure',
    skipped: 'error',
  },
  gitlab: {
    pending: 'pending',
    waiting: 'pending',
    queued: 'pending',
    'in-progress': 'running',
    completed: 'success',
    failed: 'failed',
    skipped: 'canceled',
  },
  bitbucket: {
    pending: 'INPROGRESS',
    waiting: 'INPROGRESS',
    queued: 'INPROGRESS',
    'in-progress': 'INPROGRESS',
    completed: 'SUCCESSFUL',
    failed: 'FAILED',
    skipped: 'STOPPED',
  },
  'bitbucket-data-center': {
    pending: 'INPROGRESS',
    waiting: 'INPROGRESS',
    queued: 'INPROGRESS',
    'in-progress': 'INPROGRESS',
    completed: 'SUCCESSFUL',
    failed: 'FAILED',
    skipped: 'CANCELLED',
  },
};

export const commitHosts = Object.keys(states);

/** Throws when the host or the status is none of the table: better no status than a wrong one. */
export function commitState(status: string, host: string): string {
  const words: Partial<Record<Status, string>> = Object.hasOwn(states, host) ? states[host]! : {};
  if (!Object.hasOwn(words, status)) {
    throw new Error(
      `commit_state knows ${Object.keys(states).join(', ')}; it was asked for "${status}" of "${host}"`,
    );
  }
  return words[status as Status]!;
}
