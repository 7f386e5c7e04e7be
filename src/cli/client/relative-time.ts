const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** `3 min ago` or `in 2 d` of a time in ISO 8601; the text itself if it is none. */
export function relativeTime(time: string, now: number): string {
  const ms = Date.parse(time) - now;
  if (Number.isNaN(ms)) return time;
  const text = duration(Math.abs(ms));
  if (text === '0 s') return 'now';
  return ms < 0 ? `${text} ago` : `in ${text}`;
}

/** `45 s`, `3 min`, `2 h`, `12 d`, rounded down. */
export function duration(ms: number): string {
  const [name, size] = units.find(([, unit]) => ms >= unit) ?? ['s', 1000];
  return `${Math.floor(ms / size)} ${name}`;
}
