import { CliFault } from './fault.ts';

const units: Record<string, number> = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** What `--since` names: `10m`, `2h`, `1d`, or a time in ISO 8601. Throws a CliFault. */
export function momentOf(text: string, now: number): Date {
  const [, count, unit = ''] = /^(\d{1,9})\s*(s|m|min|h|d)$/.exec(text.trim()) ?? [];
  const ms = count === undefined ? Date.parse(text) : now - Number(count) * (units[unit] ?? 0);
  if (Number.isNaN(ms) || Math.abs(ms) > 8.64e15)
    throw new CliFault(
      `"${text}" is no time. Say how long ago, as in 10m, 2h or 1d, or a time as ${new Date(now).toISOString()}.`,
      'usage',
    );
  return new Date(ms);
}

/** `14:03:27`, where the person is. */
export function clockTime(time: number | string): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
