import type { LogText } from './log-text.ts';

/** What programs write when they give up; the surest first. "0 errors" and "error-handler.js" are none. */
const signs = [
  /(?<![\w./-])(?<!\b(?:no|0) )(?:error|fatal|panic|exception|traceback|segmentation fault|unhandled|ERR!)(?![\w./-]*[\w/-])/gi,
  /\b(?:command not found|no such file|permission denied|cannot|could not|failed|failure|refused|not found)\b/gi,
];

/** The number of the line that tells what went wrong first; the last line when none looks like it, null without lines. */
export async function firstError(log: LogText, signal: AbortSignal): Promise<number | null> {
  for (const sign of signs) {
    for await (const { lines } of log.scan(sign, 0, signal)) {
      if (lines[0] !== undefined) return lines[0];
    }
  }
  return log.lineCount > 0 ? log.lineCount - 1 : null;
}
