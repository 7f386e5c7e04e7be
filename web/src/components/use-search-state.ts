import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

/**
 * Filters that live in the address: `const [filters, setFilters] = useSearchState({ status: '', q: '' })`. The given
 * values are those that the address leaves out. A change replaces the entry of the history, so that "back" leaves the page.
 */
export function useSearchState<T extends Record<string, string>>(
  defaults: T,
): [T, (change: Partial<T>) => void] {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const serialized = JSON.stringify(defaults);
  const state = useMemo(() => {
    const known = JSON.parse(serialized) as T;
    const read = Object.keys(known).map((key) => [key, String(search[key] ?? known[key])]);
    // Safe: the same keys with text as values.
    return Object.fromEntries(read) as T;
  }, [search, serialized]);
  const change = useCallback(
    (changed: Partial<T>) => {
      const known = JSON.parse(serialized) as T;
      void navigate({
        to: '.',
        replace: true,
        resetScroll: false,
        search: (before: Record<string, unknown>) => {
          const next: Record<string, unknown> = { ...before, ...changed };
          return Object.fromEntries(Object.entries(next).filter(([key, value]) => value !== known[key]));
        },
      });
    },
    [navigate, serialized],
  );
  return [state, change];
}
