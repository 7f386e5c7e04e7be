import type { Readable } from 'node:stream';

/** Longer is no line of a supervisor. */
const mostLineBytes = 200;

/** Reads a stream that several steps write to, one after another, up to marks that stand between them. */
export type MarkedOutput = {
  /**
   * Gives what comes before the next line that bears `mark`, and returns what that says; null when the stream ends
   * before. Rejects with what `give` rejects with.
   */
  upTo(mark: string, give: (piece: Buffer) => Promise<void> | void): Promise<string | null>;
};

/** Nothing else may read `stream`. */
export function readMarkedOutput(stream: Readable): MarkedOutput {
  const pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let unread: Buffer = Buffer.alloc(0);
  const readOn = async (): Promise<boolean> => {
    try {
      const { done, value } = await pieces.next();
      if (done) return false;
      unread = unread.length === 0 ? value : Buffer.concat([unread, value]);
      return true;
    } catch {
      // Closed under us, or with its connection. What came before has been given.
      return false;
    }
  };
  return {
    async upTo(mark, give) {
      const before = Buffer.from(`\0hookline-${mark} `);
      for (;;) {
        const at = unread.indexOf(before);
        const given = unread.subarray(0, at < 0 ? beginningOf(before, unread) : at);
        unread = unread.subarray(given.length);
        if (given.length > 0) await give(given);
        if (at >= 0) break;
        if (await readOn()) continue;
        if (unread.length > 0) await give(unread);
        unread = Buffer.alloc(0);
        return null;
      }
      for (;;) {
        const end = unread.indexOf('\n');
        if (end >= 0) {
          const line = unread.toString('utf8', before.length, end);
          unread = unread.subarray(end + 1);
          return line;
        }
        if (unread.length > mostLineBytes || !(await readOn())) return null;
      }
    },
  };
}

/** Where in `text` what may turn out to be `mark` begins, once more has come; its length where nothing does. */
function beginningOf(mark: Buffer, text: Buffer): number {
  for (
    let at = text.indexOf(mark[0]!, Math.max(0, text.length - mark.length + 1));
    at >= 0;
    at = text.indexOf(mark[0]!, at + 1)
  ) {
    if (mark.subarray(0, text.length - at).equals(text.subarray(at))) return at;
  }
  return text.length;
}
