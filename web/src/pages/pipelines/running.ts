/** Whether an action goes on, so that a page asks again soon. */
export function isRunning({ status }: { status: string }): boolean {
  return !['completed', 'failed', 'skipped'].includes(status);
}

/** How long until a list of actions is read again, in ms. */
export function nextLook(actions: { status: string }[] | undefined): number {
  return actions?.some(isRunning) ? 2000 : 15_000;
}
