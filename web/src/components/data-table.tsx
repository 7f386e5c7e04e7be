import { Button, Loader, Skeleton } from '@mantine/core';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from 'react';
import { ErrorNotice } from './error-notice.tsx';
import classes from './data-table.module.css';

export type Column<T> = {
  key: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** A track of a CSS grid, such as `2fr` or `120px`; one share of the rest when left out. */
  width?: string;
  /** On a phone each row is a card: without the header, or left out. */
  phone?: 'bare' | 'hidden';
};

type Props<T> = {
  /** What the rows are, for who does not see the page. */
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string | number;
  /** Enter or a click on a row. The address should be on a link in one of the cells too. */
  onOpen?: (row: T) => void;
  isPending?: boolean;
  error?: Error | null;
  hasMore?: boolean;
  isLoadingMore?: boolean;
  loadMore?: () => void;
  retry?: () => void;
  /** Shown without rows: an EmptyState. */
  empty: ReactNode;
};

const rowHeight = 45;
const noMore = () => undefined;

/**
 * A list that scrolls with the page, of which only the visible rows are drawn, and which reads on near its end. The
 * arrow keys, Home and End go from row to row. `useList` gives its rows and all that belongs to reading on.
 */
export function DataTable<T>(props: Props<T>) {
  const { label, columns, rows, rowKey, onOpen, isPending, error, retry, empty } = props;
  const { hasMore = false, isLoadingMore = false, loadMore = noMore } = props;
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  const [active, setActive] = useState(0);
  useLayoutEffect(() => {
    const top = body.current?.getBoundingClientRect().top;
    if (top !== undefined) setOffset(top + window.scrollY);
  }, [isPending]);
  // The same function as long as the rows are the same: with another one, all of them would be laid out anew.
  const latestKey = useRef(rowKey);
  latestKey.current = rowKey;
  const getItemKey = useCallback((index: number) => latestKey.current(rows[index]!), [rows]);
  const list = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: offset,
    getItemKey,
  });
  const visible = list.getVirtualItems();
  const lastVisible = visible.at(-1)?.index ?? -1;
  const isNearEnd = lastVisible >= rows.length - 20;
  useEffect(() => {
    // After a fault only the button asks again.
    if (isNearEnd && hasMore && !isLoadingMore && !error) loadMore();
  }, [isNearEnd, hasMore, isLoadingMore, error, loadMore]);

  if (error && rows.length === 0) return <ErrorNotice error={error} {...(retry ? { onRetry: retry } : {})} />;
  if (!isPending && rows.length === 0) return empty;

  const focusRow = (index: number) => {
    const target = Math.max(0, Math.min(rows.length - 1, index));
    setActive(target);
    list.scrollToIndex(target);
    // The row may have to be drawn first.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        body.current?.querySelector<HTMLElement>(`[data-index="${target}"]`)?.focus({ preventScroll: true }),
      ),
    );
  };
  const onKey = (event: KeyboardEvent, index: number) => {
    const jumps: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + 15,
      PageUp: index - 15,
      Home: 0,
      End: rows.length - 1,
    };
    // A key that is meant for a button or link in a cell is not for the row.
    if (event.target !== event.currentTarget) return;
    const to = jumps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      focusRow(to);
    } else if (event.key === 'Enter') onOpen?.(rows[index]!);
  };
  const tracks = columns.map(({ width }) => width ?? 'minmax(0, 1fr)').join(' ');
  const cellClass = (column: Column<T>) => `${classes['cell']} ${classes[column.phone ?? ''] ?? ''}`;
  return (
    <div
      className={classes['table']}
      role="grid"
      aria-label={label}
      aria-busy={isPending ?? false}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      style={{ '--tracks': tracks } as React.CSSProperties}
    >
      <div role="row" aria-rowindex={1} className={`${classes['row']} ${classes['head']}`}>
        {columns.map(({ key, header }) => (
          <div key={key} role="columnheader" className={classes['cell']}>
            {header}
          </div>
        ))}
      </div>
      <div
        ref={body}
        role="rowgroup"
        className={classes['body']}
        style={{ height: isPending ? undefined : list.getTotalSize() }}
      >
        {isPending
          ? Array.from({ length: 8 }, (_, index) => (
              <div key={index} role="row" className={classes['row']}>
                <div role="gridcell" className={classes['waiting']}>
                  <Skeleton h={16} />
                </div>
              </div>
            ))
          : visible.map(({ index, key, start }) => (
              <div
                key={key}
                ref={list.measureElement}
                data-index={index}
                role="row"
                aria-rowindex={index + 2}
                tabIndex={
                  index === Math.min(active, rows.length - 1) ||
                  (index === visible[0]?.index && !visible.some((item) => item.index === active))
                    ? 0
                    : -1
                }
                className={`${classes['row']} ${classes['placed']} ${onOpen ? classes['open'] : ''}`}
                style={{ transform: `translateY(${start - offset}px)` }}
                onFocus={() => setActive(index)}
                onKeyDown={(event) => onKey(event, index)}
                onClick={(event) => {
                  const isOwn = (event.target as HTMLElement).closest('a, button, input, label');
                  if (!isOwn && !window.getSelection()?.toString()) onOpen?.(rows[index]!);
                }}
              >
                {columns.map((column) => (
                  <div
                    key={column.key}
                    role="gridcell"
                    className={cellClass(column)}
                    data-header={column.header}
                  >
                    {column.cell(rows[index]!)}
                  </div>
                ))}
              </div>
            ))}
      </div>
      {(hasMore || error) && (
        <div role="row" className={classes['more']}>
          <div role="gridcell">
            {error ? (
              <ErrorNotice error={error} onRetry={loadMore} />
            ) : isLoadingMore ? (
              <Loader size="sm" aria-label="Loading more" />
            ) : (
              <Button variant="subtle" size="compact-sm" onClick={loadMore}>
                Load more
              </Button>
            )}
          </div>
        </div>
      )}
    </div>
  );
}
