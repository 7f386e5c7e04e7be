import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import {
  HooklineError,
  previewNewOutgoingHook,
  previewOutgoingHookChange,
  type OutgoingHookDraftPreview,
} from '#sdk';
import { bodyFault, inputOf, type Draft } from './draft.ts';
import type { EventName } from './vocabulary.ts';

/** Of a new hook its pipeline, of one that there is its id. */
export type DraftPlace = { pipelineId: number } | { hookId: string };

/** Stands for an address that is not written yet. */
export const noAddress = 'https://address.invalid/';

export type PreviewState = {
  /** The last answer, while what is typed now has a fault too. */
  answer: OutgoingHookDraftPreview | null;
  /** By field, such as `settings.request_body.state`. */
  faults: Record<string, string>;
  error: Error | null;
  isPending: boolean;
};

/** What the draft would send, asked for whenever one pauses in writing. */
export function usePreview(
  place: DraftPlace,
  draft: Draft,
  about: { actionId: number | null; event: EventName | null },
): PreviewState {
  const [settled] = useDebouncedValue(draft, 250);
  const [last, setLast] = useState<OutgoingHookDraftPreview | null>(null);
  const isWhole = bodyFault(settled) === null;
  // A body that is no JSON yet must not keep the rest from being shown.
  const sent = isWhole ? settled : { ...settled, bodyKind: 'none' as const };
  const hook = inputOf(sent, noAddress);
  const wanted = {
    ...(about.actionId === null ? {} : { action_id: about.actionId }),
    ...(about.event === null ? {} : { event: about.event }),
  };
  const query = useQuery({
    queryKey: ['outgoing-preview', place, hook, wanted],
    queryFn: ({ signal }) =>
      'hookId' in place
        ? previewOutgoingHookChange({ path: { hook_id: place.hookId }, body: { hook, ...wanted }, signal })
        : previewNewOutgoingHook({
            path: { pipeline_id: place.pipelineId },
            body: { hook, ...wanted },
            signal,
          }),
    enabled: isWhole || last === null,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    gcTime: 30_000,
  });
  if (query.data && query.data !== last) setLast(query.data);
  const faults = query.error instanceof HooklineError ? query.error.faultsByField : {};
  return {
    answer: query.data ?? last,
    faults: Object.fromEntries(
      Object.entries(faults).map(([field, message]) => [field.replace(/^hook\./, ''), message]),
    ),
    error: query.error,
    isPending: query.isPending && last === null,
  };
}
