import { Text } from '@mantine/core';
import { useSyncExternalStore } from 'react';

const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago, and under the pointer exactly when; `exact` shows both. It stays true while it is shown. */
export function Time({ at, exact = false }: { at: string | null | undefined; exact?: boolean }) {
  const relative = useTicking(() => (at ? relativeTime(Date.parse(at), Date.now()) : ''));
  if (!at)
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    );
  const when = exactFormat.format(new Date(at));
  return (
    <time dateTime={at} title={when} style={exact ? undefined : { whiteSpace: 'nowrap' }}>
      {exact ? `${when} (${relative})` : relative}
    </time>
  );
}

/** How long something took, or takes while it has no end. */
export function Duration({ ms, from, to }: { ms?: number | null; from?: string | null; to?: string | null }) {
  const text = useTicking(() => {
    if (ms !== undefined && ms !== null) return durationText(ms);
    if (!from) return '–';
    const took = (to ? Date.parse(to) : Date.now()) - Date.parse(from);
    // Live, the parts of a second would only flicker.
    return durationText(to ? took : Math.max(0, Math.floor(took / 1000) * 1000));
  });
  return <span style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>{text}</span>;
}

export function relativeTime(atMs: number, nowMs: number): string {
  const seconds = (atMs - nowMs) / 1000;
  const size = Math.abs(seconds);
  if (size < 5) return 'just now';
  const [unit, length] = units.find(([, unitSeconds]) => size >= unitSeconds) ?? ['second' as const, 1];
  return relativeFormat.format(Math.trunc(seconds / length), unit);
}

export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60)
    return `${seconds < 10 && seconds % 1 !== 0 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for the whole page; who uses it is drawn again only when its text is another. */
function useTicking(text: () => string): string {
  return useSyncExternalStore(subscribe, text);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const tell of listeners) tell();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
