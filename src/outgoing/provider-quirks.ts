import type { Answer } from './http-client.ts';

/* What providers do that no standard says, as rows of data (FIELD.md, "Reporting status"). */

type Answered = Extract<Answer, { kind: 'answer' }>;

/** Refusals that mean that the receiver has what it was to get. Known by path, since hosts may be anybody's own. */
const asGoodAsDelivered: { path: RegExp; status: number; body: RegExp; because: string }[] = [
  {
    // GitLab, commit statuses: the state is a machine's, which cannot go to where it stands.
    path: /\/projects\/[^/]+\/statuses\/[^/]+$/,
    status: 400,
    body: /Cannot transition status via/,
    because: 'which GitLab does when a commit has a state already, or is past it',
  },
];

/** Why a refusal counts as delivered, or null. */
export function countsAsDelivered(url: string, answer: Answered): string | null {
  const row = asGoodAsDelivered.find(({ status }) => status === answer.status);
  if (!row || !row.path.test(URL.parse(url)?.pathname ?? '') || !row.body.test(answer.body)) return null;
  return row.because;
}

/** Refusals that pass by themselves. */
const passing: { path: RegExp; status: number }[] = [
  // GitLab, commit statuses: another one is being written at the same time.
  { path: /\/projects\/[^/]+\/statuses\/[^/]+$/, status: 409 },
];

/** Whether a refusal is worth another attempt although its status code says otherwise. */
export function passes(url: string, { status }: Answered): boolean {
  return passing.some((row) => row.status === status && row.path.test(URL.parse(url)?.pathname ?? ''));
}

/** Headers that say when a limit ends. `remaining`, where there is one, must be at 0 for it to have been reached. */
const limits: { reset: string; unit: 'epoch-seconds' | 'seconds'; remaining: string | null }[] = [
  // GitHub
  { reset: 'x-ratelimit-reset', unit: 'epoch-seconds', remaining: 'x-ratelimit-remaining' },
  // GitLab
  { reset: 'ratelimit-reset', unit: 'epoch-seconds', remaining: 'ratelimit-remaining' },
  // Discord
  { reset: 'x-ratelimit-reset-after', unit: 'seconds', remaining: null },
];

/** Before 2001 as a time: such a number can only be seconds to wait. */
const earliestEpochSeconds = 1_000_000_000;

/** How long the headers of a rate limit ask to wait, in ms; 0 when they say nothing or the limit was not reached. */
export function rateLimitMs({ headers }: Answered, now: number): number {
  const waits = limits.map(({ reset, unit, remaining }) => {
    const value = Number(headers[reset] ?? Number.NaN);
    if (!Number.isFinite(value) || value < 0) return 0;
    if (remaining !== null && headers[remaining] !== undefined && headers[remaining] !== '0') return 0;
    const isTime = unit === 'epoch-seconds' && value >= earliestEpochSeconds;
    return isTime ? value * 1000 - now : value * 1000;
  });
  return Math.max(0, ...waits);
}
