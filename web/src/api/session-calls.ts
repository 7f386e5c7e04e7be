import { configureHookline, getUserMe, loginUser, type UserMe } from '#sdk';
import { addressOf } from '../app/page.ts';

/*
 * Signs in and out by cookie. The operations of `/session` take the place of these two bodies as soon as the SDK has
 * them; nothing else in the page knows how a session begins or ends.
 */

export async function startSession(email: string, password: string): Promise<UserMe> {
  // Until then, a token in memory alone: gone when the page is left.
  const { access_token } = await loginUser({ body: { email, password } });
  configureHookline({ baseUrl: addressOf('api'), token: access_token, headers: { 'x-hookline-csrf': '1' } });
  return await getUserMe();
}

export async function stopSession(): Promise<void> {
  configureHookline({ baseUrl: addressOf('api'), headers: { 'x-hookline-csrf': '1' } });
}
