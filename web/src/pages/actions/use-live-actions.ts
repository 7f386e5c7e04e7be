import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo } from 'react';
import { listEnvironmentActions, readPage, type ActionRelation, type ListEnvironmentActionsData } from '#sdk';

export type ActionQuery = NonNullable<ListEnvironmentActionsData['query']>;

const refreshMs = 2000;
const pageSize = 100;

/**
 * The actions of an environment, newest first, read on as one scrolls. The newest page is asked for again and again and
 * laid over the others: what is new comes on top and statuses change, whatever the length of the list.
 */
export function useLiveActions(environmentId: number | null, query: ActionQuery) {
  const client = useQueryClient();
  const options = { path: { environment_id: environmentId ?? 0 }, query: { ...query, per_page: pageSize } };
  const key = ['actions', environmentId, query];
  const serialized = JSON.stringify(key);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => readPage(listEnvironmentActions, { ...options, signal }, pageParam),
    initialPageParam: 1,
    getNextPageParam: (page) => page.next,
    enabled: environmentId !== null,
    // All of its pages would be asked for again.
    staleTime: Infinity,
  });
  const newest = useQuery({
    queryKey: ['newest-actions', environmentId, query],
    queryFn: ({ signal }) => readPage(listEnvironmentActions, { ...options, signal }),
    enabled: list.data !== undefined,
    refetchInterval: refreshMs,
    gcTime: 0,
  });
  const { data, fetchNextPage } = list;
  const top = newest.data;
  const merged = useMemo(() => merge(data?.pages.map(({ items }) => items) ?? [], top), [data, top]);
  useEffect(() => {
    // So many are new that some are in neither.
    if (merged.hasGap)
      void client.resetQueries({ queryKey: JSON.parse(serialized) as unknown[], exact: true });
  }, [merged.hasGap, client, serialized]);
  const loadMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return {
    rows: merged.rows,
    isPending: list.isPending,
    error: list.error ?? newest.error,
    hasMore: list.hasNextPage,
    isLoadingMore: list.isFetchingNextPage,
    loadMore,
    retry: () => void (list.error ? list.refetch() : newest.refetch()),
  };
}

function merge(
  pages: ActionRelation[][],
  newest: { items: ActionRelation[]; next: number | null } | undefined,
): { rows: ActionRelation[]; hasGap: boolean } {
  const rows: ActionRelation[] = newest ? [...newest.items] : [];
  const isAll = newest?.next === null;
  let last = rows.at(-1)?.id ?? Infinity;
  if (isAll) return { rows, hasGap: false };
  const edge = last;
  let isJoined = !newest || pages.length === 0;
  for (const page of pages) {
    for (const row of page) {
      if (row.id >= edge) isJoined = true;
      // Pages move down as new ones come, so what was at an end comes again.
      if (row.id >= last) continue;
      last = row.id;
      rows.push(row);
    }
  }
  return { rows, hasGap: !isJoined };
}
