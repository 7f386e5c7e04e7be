/** Secrets that were just made, by the id of their hook: shown until the page is left or loaded anew, and kept nowhere. */
const fresh = new Map<string, string>();

export function keepFreshSecret(hookId: string, secret: string): void {
  if (secret !== '') fresh.set(hookId, secret);
}

export function freshSecret(hookId: string): string | null {
  return fresh.get(hookId) ?? null;
}

export function forgetFreshSecret(hookId: string): void {
  fresh.delete(hookId);
}
