import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { HooklineError } from '#sdk';
import { onSignedOut } from '../api/session.ts';

/** A refusal is told at once; what may pass by itself is tried twice more. */
function shouldRetry(failures: number, error: Error): boolean {
  const status = error instanceof HooklineError ? error.status : null;
  return failures < 2 && (status === 0 || (status !== null && status >= 500));
}

function noticeSignedOut(error: Error): void {
  if (error instanceof HooklineError && error.status === 401) onSignedOut();
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeSignedOut }),
  mutationCache: new MutationCache({ onError: noticeSignedOut }),
  defaultOptions: {
    queries: { retry: shouldRetry, staleTime: 5000, gcTime: 5 * 60_000, refetchOnWindowFocus: true },
    mutations: { retry: false },
  },
});
