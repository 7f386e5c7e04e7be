import type { ReceivedRequest } from './decide.ts';
import type { HookRequestRow } from './store.ts';

/* A request as a record has it, to be shown, tried out or run again. */

/** Only what was verified is kept with its body; see `store.ts`. */
export function wasKept({ payload_id }: HookRequestRow): boolean {
  return payload_id !== null;
}

export function asReceived(
  { request_query }: Pick<HookRequestRow, 'request_query'>,
  { headers, body }: { headers: string; body: Buffer },
): ReceivedRequest {
  // Safe: `store.ts` wrote them as an object of texts.
  return { headers: JSON.parse(headers) as Record<string, string>, query: request_query ?? '', body };
}
