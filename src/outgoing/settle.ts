import { randomUUIDv7 } from 'node:crypto';
import type { Connection } from '../platform/database/connect.ts';
import { createGroupCommit } from '../platform/database/group-commit.ts';
import type { DeliveryRow } from './claim.ts';

/** What is recorded of one attempt; texts are masked already. */
type AttemptRecord = {
  url: string;
  requestHeaders: Record<string, string>;
  requestBody: string;
  /** 0 when there was no answer, or nothing was sent. */
  statusCode: number;
  responseHeaders: Record<string, string>;
  responseBody: string;
  address: string;
  reason: string;
  durationMs: number;
};

export type Settlement = {
  delivery: DeliveryRow;
  nodeId: string;
  status: 'pending' | 'delivered' | 'skipped' | 'rejected' | 'failed';
  reason: string;
  nextAttemptAt: number;
  /** Null when the delivery ended without anything having been tried. */
  attempt: AttemptRecord | null;
  at: number;
};

/** Writes what came of an attempt and the delivery's new state in one transaction; many at once share one. */
export function createSettler({ db }: Connection): (settlement: Settlement) => Promise<void> {
  return createGroupCommit<Settlement, void>(
    async (settlements) =>
      await db.transaction().execute(async (trx) => {
        for (const { delivery, attempt, ...settled } of settlements) {
          const { numUpdatedRows } = await trx
            .updateTable('deliveries')
            .set({
              status: settled.status,
              reason: settled.reason,
              attempts: attempt ? delivery.attempts + 1 : delivery.attempts,
              next_attempt_at: settled.nextAttemptAt,
              claimed_by: null,
              updated_at: settled.at,
            })
            .where('id', '=', delivery.id)
            .where('claimed_by', '=', settled.nodeId)
            .executeTakeFirstOrThrow();
          // Another node has taken the delivery over: it will write the record that counts.
          if (numUpdatedRows === 0n || !attempt) continue;
          await trx
            .insertInto('delivery_attempts')
            .values({
              uuid: randomUUIDv7(),
              delivery_id: delivery.id,
              hook_id: delivery.hook_id,
              attempt: delivery.attempts + 1,
              url: attempt.url,
              request_headers: JSON.stringify(attempt.requestHeaders),
              // NUL cannot be stored as text in PostgreSQL; in JSON it is escaped anyway.
              request_body: attempt.requestBody.replaceAll('\0', '\uFFFD'),
              status_code: attempt.statusCode,
              response_headers: JSON.stringify(attempt.responseHeaders),
              response_body: attempt.responseBody,
              ip_address: attempt.address,
              reason: attempt.reason,
              duration_ms: attempt.durationMs,
              created_at: settled.at,
            })
            .execute();
        }
        return settlements.map(() => undefined);
      }),
    { concurrency: 1 },
  );
}
