import { redirect } from '@tanstack/react-router';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { getUserMe, HooklineError, type UserMe } from '#sdk';
import { queryClient } from '../app/query-client.ts';
import { startSession, stopSession } from './session-calls.ts';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => getUserMe({ signal }),
  staleTime: 60_000,
});

export function useMe(): UserMe | undefined {
  return useQuery(meQuery).data;
}

export async function signIn(email: string, password: string): Promise<void> {
  const me = await startSession(email, password);
  queryClient.clear();
  queryClient.setQueryData(meQuery.queryKey, me);
}

export async function signOut(): Promise<void> {
  await stopSession();
  queryClient.clear();
}

/** Before a page is shown: who is not signed in goes to the sign-in page, and from there back to `href`. */
export async function requireSignIn(href: string): Promise<void> {
  try {
    await queryClient.ensureQueryData(meQuery);
  } catch (error) {
    if (error instanceof HooklineError && error.status === 401)
      throw redirect({ to: '/sign-in', search: { to: href } });
    throw error;
  }
}

let signedOut: () => void = () => undefined;

/** Called when a session has ended under an open page. */
export function onSignedOut(): void {
  signedOut();
}

export function whenSignedOut(listener: () => void): () => void {
  signedOut = listener;
  return () => {
    signedOut = () => undefined;
  };
}
