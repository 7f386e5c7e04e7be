import type { Logger } from 'pino';
import { addRefusals, type HookRefusalsRow } from '../hooks/refusals.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';

/**
 * Counts refusals in memory and adds them to the table about once a second: a flood costs one write, however large it is.
 * What a process that is killed had not yet written is lost, a second's worth at most.
 */
export type RefusalCounter = {
  count(hookId: number): void;
  /** Writes what is left. */
  stop(): Promise<void>;
};

const writeAfterMs = 1000;

export function createRefusalCounter(context: {
  connection: Pick<Connection, 'transactionSyncedLater'>;
  clock: Clock;
  log: Logger;
}): RefusalCounter {
  const { connection, clock, log } = context;
  const stopping = new AbortController();
  let counted = new Map<number, HookRefusalsRow>();
  let writing: Promise<void> | null = null;

  const add = ({ hook_id, count, last_at }: HookRefusalsRow) => {
    const known = counted.get(hook_id);
    if (!known) return void counted.set(hook_id, { hook_id, count, last_at });
    known.count += count;
    known.last_at = Math.max(known.last_at, last_at);
  };
  const write = async () => {
    const rows = [...counted.values()];
    counted = new Map();
    if (rows.length === 0) return;
    try {
      await connection.transactionSyncedLater((trx) => addRefusals(trx, rows));
    } catch (error) {
      log.warn({ err: error }, 'refused requests could not be counted; trying again shortly');
      for (const row of rows) add(row);
    }
  };
  const writeSoon = async () => {
    while (counted.size > 0 && !stopping.signal.aborted) {
      await clock.sleep(writeAfterMs, stopping.signal);
      await write();
    }
  };

  return {
    count(hookId) {
      add({ hook_id: hookId, count: 1, last_at: clock.now() });
      writing ??= writeSoon().finally(() => (writing = null));
    },
    async stop() {
      stopping.abort();
      await writing;
      await write();
    },
  };
}
