import type { Db } from '../platform/database/connect.ts';
import { firstIdSince } from '../platform/database/first-id-since.ts';

const hourMs = 3_600_000;
const hoursShown = 24;

/** The beginnings of the last 24 hours of the clock, the one that runs included. */
export function lastHours(now: number): number[] {
  const current = Math.floor(now / hourMs) * hourMs;
  return Array.from({ length: hoursShown }, (_, index) => current - (hoursShown - 1 - index) * hourMs);
}

type Timed = 'actions' | 'hook_requests' | 'deliveries';
export type HourBounds = { of: (table: Timed, hours: number[]) => Promise<number[]> };

/**
 * The first id of each hour. Ids rise with time, so it is found by halving, and with it an index on ids counts an hour
 * that no index on time has to be kept for. What has begun stays where it is: each is looked for once.
 */
export function createHourBounds(db: Db): HourBounds {
  const known = new Map<string, number>();
  const find = async (table: Timed, hour: number): Promise<number> => {
    const key = `${table} ${hour}`;
    const id = known.get(key) ?? (await firstIdSince(db, table, hour));
    known.set(key, id);
    return id;
  };
  return {
    of: async (table, hours) => {
      const oldest = hours[0] ?? 0;
      for (const key of known.keys()) if (Number(key.split(' ')[1]) < oldest) known.delete(key);
      return await Promise.all(hours.map((hour) => find(table, hour)));
    },
  };
}
