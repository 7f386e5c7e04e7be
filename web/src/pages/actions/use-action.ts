import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { events, getAction, type Action } from '#sdk';
import { ActionLogs } from './action-logs.ts';
import { createBreather } from './breather.ts';

/** Changes of status that come together are shown together. */
const gatherMs = 150;

export const actionKey = (id: number) => ['action', id];

/** An action, kept up to date by its stream until it has ended, and what it prints. */
export function useAction(id: number) {
  const client = useQueryClient();
  const logs = useMemo(() => ({ id, logs: new ActionLogs() }), [id]).logs;
  const [isLost, setLost] = useState(false);
  const [fault, setFault] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  const query = useQuery({
    queryKey: actionKey(id),
    queryFn: ({ signal }) => getAction({ path: { action_id: id }, signal }),
  });
  const action = query.data;
  // Decided once for each action: one that ends under our eyes is watched to its last line.
  const [watched, setWatched] = useState<number | null>(null);
  const isRunning = action !== undefined && action.completed_at === null;
  if (isRunning && watched !== id) setWatched(id);
  const isWatched = watched === id;

  useEffect(() => {
    if (!isWatched) return;
    const gone = new AbortController();
    const onConnection = (state: 'open' | 'lost') => setLost(state === 'lost');
    setFault(null);
    watch(client, id, logs, { signal: gone.signal, onConnection }).catch((error: unknown) => {
      if (!gone.signal.aborted) setFault(error);
    });
    return () => gone.abort();
  }, [isWatched, client, id, logs, attempt]);
  useEffect(() => () => logs.stop(), [logs]);

  return {
    action,
    logs,
    isWatched,
    isLost,
    error: query.error,
    streamFault: fault,
    retry: () => void query.refetch(),
    watchAgain: () => setAttempt((count) => count + 1),
  };
}

async function watch(
  client: QueryClient,
  id: number,
  logs: ActionLogs,
  options: { signal: AbortSignal; onConnection: (state: 'open' | 'lost') => void },
): Promise<void> {
  const { signal } = options;
  const refresh = () => client.invalidateQueries({ queryKey: actionKey(id) });
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  logs.isStreamed = true;
  const breathe = createBreather();
  const after = logs.lastEvent;
  for await (const event of events(id, { ...options, after })) {
    if (signal.aborted) return;
    logs.lastEvent = event.id;
    if (event.type === 'log') logs.of(event.data.step_id).append(event.data.content);
    else timer ??= setTimeout(() => ((timer = undefined), void refresh()), gatherMs);
    await breathe();
  }
  if (signal.aborted) return;
  clearTimeout(timer);
  logs.endAll();
  await refresh();
}

/** Shows at once what a call will do; gives back what was there, for when it does not. */
export function showAtOnce(client: QueryClient, id: number, change: Partial<Action>): () => void {
  const before = client.getQueryData<Action>(actionKey(id));
  if (before) client.setQueryData<Action>(actionKey(id), { ...before, ...change });
  return () => client.setQueryData(actionKey(id), before);
}
