import { createHmac, randomUUID } from 'node:crypto';
import type { CommitOptions, TestRepository } from '../../test/support/git-repository.ts';
import type { CommitStatus, GitHost } from './git-host.ts';
import type { Hookline } from './hookline.ts';
import { pushPayload } from './push-payload.ts';
import type { Service } from './service.ts';
import { watchAction } from './watch-action.ts';
import type { Workplace } from './workplace.ts';

/** What came of a push or a rollback, as each of those who took part in it tells. */
export type Deployment = {
  /** The commit that was pushed or gone back to. */
  commit: string;
  actionId: number;
  status: string;
  reason: string;
  log: string;
  /** The commit statuses that arrived for that commit because of that action. */
  statuses: Pick<CommitStatus, 'state' | 'description' | 'context'>[];
  /** What the web server says now. */
  live: Record<string, string> | null;
};

export type Deployments = {
  /** Commits, sends the signed push, waits for its end and for the commit status that tells it. */
  push(
    message: string,
    files: Record<string, string>,
    options?: Pick<CommitOptions, 'executable'>,
  ): Promise<Deployment>;
  /** Goes back to the release before the live one. */
  rollBack(): Promise<Deployment>;
  /** One line for each, newest first. */
  releases(): Promise<string>;
};

type Action = { id: number; status: string; completed_at: string | null; action_data: ActionData | null };
type ActionData = { commit: { hash: string } };
type Release = { name: string; status: string; is_live: boolean; commit: { hash: string; message: string } };

export function createDeployments(context: {
  hookline: Hookline;
  gitHost: GitHost;
  repository: TestRepository;
  workplace: Workplace;
  service: Service;
  tell: (what: string, detail: string) => void;
  /** Aborting it cancels what runs; once that has ended, its reason is thrown. */
  signal: AbortSignal;
}): Deployments {
  const { hookline, gitHost, repository, workplace, service, tell, signal } = context;
  const { api } = hookline;
  let pushed: string | null = null;

  const watch = async (actionId: number) => {
    let log = '';
    // It may have ended in this very moment.
    const cancel = () => api.request('POST', `/actions/${actionId}/cancel`).catch(() => undefined);
    signal.addEventListener('abort', cancel);
    if (signal.aborted) void cancel();
    try {
      const action = await watchAction({ url: hookline.url, token: api.token }, actionId, {
        log: (text) => void (log += text),
        step: ({ status, order, name, status_reason_human_readable: reason }) => {
          if (status === 'completed') tell(`Step ${order}, ${name}`, log.trim() || 'said nothing');
          if (status === 'failed') tell(`Step ${order}, ${name}, failed`, `${log.trim()}\n${reason}`);
          if (status === 'in-progress') log = '';
        },
      });
      return { action, log };
    } catch (error) {
      await cancel();
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };

  const follow = async (actionId: number): Promise<Deployment> => {
    const { action, log } = await watch(actionId);
    signal.throwIfAborted();
    await service.hold();
    const { action_data } = await api.get<Action>(`/actions/${actionId}`);
    const commit = action_data?.commit.hash ?? '';
    const isOurs = (status: CommitStatus) =>
      status.sha === commit && status.target_url.endsWith(`/${actionId}`);
    await gitHost.waitForStatus(
      (status) => isOurs(status) && status.state !== 'pending',
      `the end of action ${actionId} as a commit status`,
    );
    const statuses = gitHost.statuses.filter(isOurs);
    const live = await service.ask('/');
    const reason = action.status_reason_human_readable;
    tell(`The action is ${action.status}`, reason);
    tell(
      'The git host was told',
      statuses.map(({ state, description }) => `${state}: ${description}`).join('\n'),
    );
    tell('The page says', JSON.stringify(live));
    return {
      commit,
      actionId,
      status: action.status,
      reason,
      log,
      statuses: statuses.map(({ state, description, context: label }) => ({
        state,
        description,
        context: label,
      })),
      live,
    };
  };

  return {
    async push(message, files, options = {}) {
      signal.throwIfAborted();
      const after = await repository.commit(files, { message, ...options });
      const payload = await pushPayload(repository, { before: pushed, after, hostUrl: gitHost.url });
      pushed = after;
      const { url, secret } = workplace.incoming;
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(payload).digest('hex')}`,
        },
        body: payload,
      });
      // Safe: what every answer of a hook has.
      const receipt = (await response.json()) as { message: string; action_id?: number };
      tell(`Pushed ${after}, "${message}"; ${payload.length} bytes, signed`, receipt.message);
      if (response.status !== 202 || receipt.action_id === undefined) {
        throw new Error(`the push was answered ${response.status}: ${receipt.message}`);
      }
      return await follow(receipt.action_id);
    },
    async rollBack() {
      signal.throwIfAborted();
      const { id } = await api.post<Action>(`/applications/${workplace.applicationId}/rollback`, {
        trigger_comment: 'The example goes back.',
      });
      tell('Asked for the release before', `POST /api/applications/${workplace.applicationId}/rollback`);
      return await follow(id);
    },
    async releases() {
      const releases = await api.get<Release[]>(`/applications/${workplace.applicationId}/releases`);
      return releases
        .map(({ name, status, is_live, commit }) =>
          [name, commit.hash.slice(0, 12), is_live ? 'live' : status, commit.message].join('  '),
        )
        .join('\n');
    },
  };
}
