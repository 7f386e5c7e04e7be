import { useInfiniteQuery, type QueryKey } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { readPage, type ListOperation } from '#sdk';

type ListOptions = Parameters<typeof readPage>[1];

/** The whole of a short list; at most `most` objects of a longer one. */
export async function collect<T>(items: AsyncIterable<T>, most = 1000): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length >= most) break;
  }
  return found;
}

/**
 * A list that is read on as one scrolls: `useList(['actions', filters], listActions, { query: filters })`. Its rows,
 * and what DataTable needs to ask for more. What is kept under the key has a form of its own, so the key has too: a plain
 * query of the same key must never be given it.
 */
export function useList<O extends ListOptions, T>(
  queryKey: QueryKey,
  operation: ListOperation<O, T>,
  options: O,
  { refetchInterval = false, enabled = true }: { refetchInterval?: number | false; enabled?: boolean } = {},
) {
  const query = useInfiniteQuery({
    queryKey: [...queryKey, 'read on'],
    queryFn: ({ pageParam, signal }) => readPage(operation, { ...options, signal }, pageParam),
    initialPageParam: 1,
    getNextPageParam: (page) => page.next,
    refetchInterval,
    enabled,
  });
  const { data, fetchNextPage } = query;
  const rows = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const loadMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return {
    rows,
    isPending: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore,
    retry: () => void query.refetch(),
  };
}
