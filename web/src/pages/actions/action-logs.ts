import { getActionLogs, type ActionStep } from '#sdk';
import { createBreather } from './breather.ts';
import { LogText } from './log-text.ts';

/** What the steps of an action have printed, as far as this page knows it. */
export class ActionLogs {
  /** The last event of the stream that is in here. */
  lastEvent = 0;
  /** The stream of the action fills all of them. */
  isStreamed = false;
  private logs = new Map<number, LogText>();
  private reads = new Map<number, Promise<void>>();
  private gone = new AbortController();

  of(stepId: number): LogText {
    let log = this.logs.get(stepId);
    if (!log) this.logs.set(stepId, (log = new LogText()));
    return log;
  }

  endAll(): void {
    for (const log of this.logs.values()) log.end();
  }

  /** Reads the log of a step that has ended, unless it is there or comes anyway. */
  read(step: ActionStep): Promise<void> {
    if (this.isStreamed) return Promise.resolve();
    const known = this.reads.get(step.id);
    if (known) return known;
    const read = this.fetch(step).catch((error: unknown) => {
      this.reads.delete(step.id);
      this.logs.delete(step.id);
      throw error;
    });
    this.reads.set(step.id, read);
    return read;
  }

  private async fetch(step: ActionStep): Promise<void> {
    const log = this.of(step.id);
    if (this.gone.signal.aborted) this.gone = new AbortController();
    const body = (await getActionLogs({
      path: { action_id: step.action_id },
      query: { target_id: step.action_target_id, step: step.order },
      parseAs: 'stream',
      signal: this.gone.signal,
      // Safe: it is what `parseAs` asks for, which the type does not know.
    })) as unknown as ReadableStream<Uint8Array> | null;
    if (body) await readInto(log, body);
    log.end();
  }

  stop(): void {
    this.gone.abort();
  }
}

const sliceBytes = 64 * 1024;

async function readInto(log: LogText, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const breathe = createBreather();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    // A piece may have any size.
    for (let at = 0; at < value.length; at += sliceBytes) {
      log.append(decoder.decode(value.subarray(at, at + sliceBytes), { stream: true }));
      await breathe();
    }
  }
  log.append(decoder.decode());
}
