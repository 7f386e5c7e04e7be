import { useEffect, useState } from 'react';
import type { LogText } from './log-text.ts';

export type Found = { lines: number[]; isSearching: boolean };

const none: Found = { lines: [], isSearching: false };

/** The lines that hold a text, whatever its case; goes on as the log grows. */
export function useLogSearch(log: LogText, text: string, lineCount: number): Found {
  const [found, setFound] = useState<Found>(none);
  const [state, setState] = useState<{ log: LogText; text: string; next: number; lines: number[] } | null>(
    null,
  );
  const isSame = state !== null && state.log === log && state.text === text;
  const isComplete = log.isComplete;
  useEffect(() => {
    if (text === '') {
      setFound(none);
      setState(null);
      return;
    }
    const search = isSame ? state : { log, text, next: 0, lines: [] };
    if (!isSame) setState(search);
    const gone = new AbortController();
    const run = async () => {
      let told = performance.now();
      for await (const { lines, next } of log.scan(expressionOf(text), search.next, gone.signal)) {
        search.next = next;
        for (const line of lines) search.lines.push(line);
        if (performance.now() - told < 100) continue;
        told = performance.now();
        setFound({ lines: search.lines, isSearching: true });
      }
      if (!gone.signal.aborted) setFound({ lines: search.lines, isSearching: false });
    };
    void run();
    return () => gone.abort();
    // `state` only says where to go on.
  }, [log, text, lineCount, isComplete]); // oxlint-disable-line react-hooks/exhaustive-deps
  return found;
}

export function expressionOf(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
}
