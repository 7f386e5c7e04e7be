import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import {
  listHookRequestsByHookType,
  testIncomingHook,
  type Hook,
  type HookRequestRelation,
  type HookTryOut,
  type IncomingHookUpdate,
} from '#sdk';
import { useSearchState } from '../../components/use-search-state.ts';
import { payloadOf, readBody, readHeaders, type Payload } from './payload.ts';
import { hookRequestQuery } from './queries.ts';

export const pasted = 'pasted';

export type Pasted = { body: string; headers: string; query: string };
const nothing: Pasted = { body: '', headers: '', query: '' };

export type PreviewState = {
  /** Those that can be tried. */
  recorded: HookRequestRelation[];
  isReading: boolean;
  /** The id of a recorded request, `pasted`, or empty where there is none. */
  source: string;
  choose: (source: string) => void;
  text: Pasted;
  paste: (text: Partial<Pasted>) => void;
  payload: Payload | null;
  tryOut: HookTryOut | null;
  error: Error | null;
  isBusy: boolean;
};

/** What the hook, changed so, makes of a payload; `change` is to stand still for a moment first. */
export function usePreview(hook: Hook, change: IncomingHookUpdate | null): PreviewState {
  const [{ request }, setSearch] = useSearchState({ request: '' });
  const list = useQuery({
    queryKey: ['hook-requests', hook.id, 'to-try'],
    queryFn: ({ signal }) =>
      listHookRequestsByHookType({
        path: { hook_type: 'incoming', hook_id: hook.id },
        query: { per_page: 50 },
        signal,
      }),
  });
  // Of others no body is kept.
  const recorded = useMemo(
    () => (list.data ?? []).filter((one) => one.outcome !== 'refused' || one.response_status_code !== 401),
    [list.data],
  );
  const source = request !== '' ? request : (recorded[0]?.id ?? (list.isPending ? '' : pasted));
  const isPasted = source === pasted;
  const { text, version, paste } = usePasted();
  const record = useQuery({ ...hookRequestQuery(source), enabled: source !== '' && !isPasted });
  const payload = useMemo(() => {
    if (!isPasted) return record.data ? payloadOf(record.data) : null;
    if (text.body === '') return null;
    const headers = readHeaders(text.headers);
    const query = Object.fromEntries(new URLSearchParams(text.query));
    return { headers, query, body: readBody(text.body, headers['content-type']) };
  }, [isPasted, record.data, text]);
  const result = useQuery({
    // The text itself may have a million characters; its version stands for it.
    queryKey: ['hook-preview', hook.id, hook.updated_at, source, isPasted ? version : 0, change],
    enabled: isPasted ? text.body !== '' : source !== '',
    placeholderData: keepPreviousData,
    gcTime: 0,
    retry: false,
    queryFn: ({ signal }) => {
      const { body, headers, query } = text;
      const given = isPasted
        ? { body, headers: readHeaders(headers), query: query.replace(/^\?/, '') }
        : { hook_request_id: source };
      return testIncomingHook({
        path: { hook_id: hook.id },
        body: { ...given, ...(change ? { hook: change } : {}) },
        signal,
      });
    },
  });
  const choose = useCallback((next: string) => setSearch({ request: next }), [setSearch]);
  return {
    recorded,
    isReading: list.isPending,
    source,
    choose,
    text,
    paste,
    payload,
    tryOut: (isPasted && text.body === '') || result.error ? null : (result.data ?? null),
    error: record.error ?? result.error,
    isBusy: result.isFetching,
  };
}

let versions = 0;

/** What was pasted, once it stands still; `version` is another one with each change. */
function usePasted() {
  const [typed, setTyped] = useState({ text: nothing, version: 0 });
  const [settled] = useDebouncedValue(typed, 300);
  const paste = useCallback(
    (change: Partial<Pasted>) =>
      setTyped((before) => ({ text: { ...before.text, ...change }, version: ++versions })),
    [],
  );
  return { ...settled, paste };
}
