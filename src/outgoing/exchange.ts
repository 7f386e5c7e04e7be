import type { Dispatcher } from 'undici';

export type RequestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Exchanged = {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Whether the body may have gone on. */
  isCut: boolean;
};

/**
 * One request and the beginning of its answer, straight on undici's dispatcher: its `request` makes a stream of each answer,
 * which costs as much again. Reads no further than `keptBytes`: a receiver cannot make us swallow an endless answer.
 * Rejects when there is no answer; `abort` makes it reject with its reason, or cut the body where it is.
 */
export function exchange(
  dispatcher: Dispatcher,
  input: { method: RequestMethod; url: string; headers: Record<string, string>; body: string },
  options: { keptBytes: number; onAnswer: () => void },
): { done: Promise<Exchanged>; abort: (reason: Error) => void } {
  const { origin, pathname, search } = new URL(input.url);
  let controller: Dispatcher.DispatchController | null = null;
  let aborted: Error | null = null;
  let head: { status: number; headers: Record<string, string> } | null = null;
  const chunks: Buffer[] = [];
  let size = 0;
  let announcements = 0;
  const { promise: done, resolve, reject } = Promise.withResolvers<Exchanged>();

  const answered = (isCut: boolean) => {
    const bytes = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).subarray(0, options.keptBytes);
    // The bytes of a character that was cut apart are dropped: they would hide the beginning of a secret from the masker.
    const text = isCut
      ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true })
      : bytes.toString();
    // NUL cannot be stored as text in PostgreSQL.
    const body = text.replaceAll('\0', '\uFFFD');
    resolve({ ...head!, body, isCut });
  };
  const abort = (reason: Error) => {
    aborted ??= reason;
    controller?.abort(reason);
    // Of one that has not begun, since there is no connection yet, nobody else would tell.
    if (head) answered(true);
    else reject(reason);
  };

  dispatcher.dispatch(
    {
      origin,
      path: pathname + search,
      method: input.method,
      headers: input.headers,
      body: input.body === '' ? null : input.body,
    },
    {
      onRequestStart(started) {
        controller = started;
        if (aborted) started.abort(aborted);
      },
      onResponseStart(_, status, headers) {
        // 1xx only announces the answer, and need not do so often.
        if (status < 200) {
          if (++announcements > mostAnnouncements) abort(tooManyAnnouncements);
          return;
        }
        head = { status, headers: flatten(headers) };
        options.onAnswer();
      },
      onResponseData(_, chunk) {
        if (size >= options.keptBytes) return;
        // The chunk is a view of a buffer that is used again.
        chunks.push(Buffer.from(chunk));
        size += chunk.length;
        // Whether more would have come is known only of an answer that has told its length.
        const isAll = size === options.keptBytes && head?.headers['content-length'] === String(size);
        if (size >= options.keptBytes && !isAll) abort(enough);
      },
      onResponseEnd: () => answered(false),
      onResponseError(_, error) {
        // The receiver has answered, and its status says what it did; that it broke off afterwards changes nothing.
        if (head) answered(true);
        else reject(aborted ?? error);
      },
    },
  );
  return { done, abort };
}

const mostAnnouncements = 20;
export const tooManyAnnouncements = new Error(
  'The receiver answered 1xx again and again, and never said more',
);
const enough = new Error('enough of the answer was read');

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
