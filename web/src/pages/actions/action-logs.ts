import { getActionLogs } from '#sdk';
import { createBreather } from './breather.ts';
import { LogText } from './log-text.ts';

/** What the steps of an action have printed, as far as this page knows it. */
export class ActionLogs {
  /** The last event of the stream that is in here. */
  lastEvent = 0;
  private logs = new Map<number, LogText>();
  private reading = new Map<number, AbortController>();

  /** The log that the stream of the action fills. */
  of(stepId: number): LogText {
    let log = this.logs.get(stepId);
    if (!log) this.logs.set(stepId, (log = new LogText()));
    return log;
  }

  has(stepId: number): boolean {
    return this.logs.has(stepId);
  }

  endAll(): void {
    for (const log of this.logs.values()) log.end();
  }

  /** Reads the log of a step that has ended, unless it is there. */
  async read(step: {
    id: number;
    action_id: number;
    action_target_id: number;
    order: number;
  }): Promise<void> {
    if (this.logs.has(step.id)) return;
    const log = this.of(step.id);
    const gone = new AbortController();
    this.reading.set(step.id, gone);
    try {
      const body = (await getActionLogs({
        path: { action_id: step.action_id },
        query: { target_id: step.action_target_id, step: step.order },
        parseAs: 'stream',
        signal: gone.signal,
        // Safe: it is what `parseAs` asks for, which the type does not know.
      })) as unknown as ReadableStream<Uint8Array> | null;
      if (body) await readInto(log, body);
      log.end();
    } catch (error) {
      this.logs.delete(step.id);
      throw error;
    } finally {
      this.reading.delete(step.id);
    }
  }

  stop(): void {
    for (const gone of this.reading.values()) gone.abort();
  }
}

async function readInto(log: LogText, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const breathe = createBreather();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    log.append(decoder.decode(value, { stream: true }));
    await breathe();
  }
  log.append(decoder.decode());
}
