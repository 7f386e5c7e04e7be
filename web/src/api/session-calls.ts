import { addSession, deleteSession, type UserMe } from '#sdk';

/** A cookie that scripts cannot read; nothing else in the page knows how a session begins or ends. */
export async function startSession(email: string, password: string): Promise<UserMe> {
  return await addSession({ body: { email, password } });
}

export async function stopSession(): Promise<void> {
  await deleteSession();
}
