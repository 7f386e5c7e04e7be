import { ActionIcon, Button, Group, Loader, Switch, Text, TextInput, Tooltip } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import {
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from 'react';
import { Icon } from '../../components/icon.tsx';
import type { Look, Span } from './ansi.ts';
import { firstError } from './first-error.ts';
import type { LogText } from './log-text.ts';
import { expressionOf, useLogSearch } from './use-log-search.ts';
import classes from './log-viewer.module.css';

const lineHeight = 20;
/** Browsers draw nothing that is higher than some 17 million pixels; beyond this the scroll bar is for more lines. */
const mostHeight = 12_000_000;
const overscan = 8;

type Props = {
  log: LogText;
  /** Whose output it is. */
  label: string;
  isRunning: boolean;
  /** The line to show, from 1; null for the beginning, or the end while it runs. */
  line: number | null;
  onLine: (line: number | null) => void;
  /** Asked for from outside: a new number each time. */
  jumpToError: number;
  /** In place of the lines, while there are none. */
  empty: ReactNode;
  children?: ReactNode;
};

/** The output of a step: only the lines that are seen are drawn. */
export function LogViewer({ log, label, isRunning, line, onLine, jumpToError, empty, children }: Props) {
  const { lineCount, version } = useGrowingLog(log);
  const scroller = useRef<HTMLDivElement>(null);
  const searchInput = useRef<HTMLInputElement>(null);
  const { ref: sizeRef, height } = useElementSize<HTMLDivElement>();
  const [scrollTop, setScrollTop] = useState(0);
  const [isFollowing, setFollowing] = useState(isRunning && line === null);
  const [text, setText] = useState('');
  const searched = useDeferredValue(text);
  const found = useLogSearch(log, searched, lineCount);
  const [at, setAt] = useState(-1);

  const total = lineCount * lineHeight;
  const content = Math.min(total, mostHeight);
  const stretch = content > height && total > content ? (total - height) / (content - height) : 1;
  const offset = scrollTop * stretch;
  const first = Math.max(0, Math.floor(offset / lineHeight) - overscan);
  const last = Math.min(lineCount, Math.ceil((offset + height) / lineHeight) + overscan);

  const show = useCallback(
    (number: number) => {
      const element = scroller.current;
      if (!element) return;
      const wanted = Math.max(0, number * lineHeight - element.clientHeight / 3);
      setFollowing(false);
      element.scrollTop = wanted / stretch;
      setScrollTop(element.scrollTop);
    },
    [stretch],
  );
  const jump = useCallback(
    (number: number) => {
      onLine(number + 1);
      show(number);
    },
    [onLine, show],
  );

  useLayoutEffect(() => {
    if (!isFollowing || !scroller.current) return;
    scroller.current.scrollTop = scroller.current.scrollHeight;
    setScrollTop(scroller.current.scrollTop);
  }, [isFollowing, version, height, content]);

  // The line of the address, once it is there.
  const shownLine = useRef<number | null>(null);
  useEffect(() => {
    if (line === null || shownLine.current === line || line > lineCount || height === 0) return;
    shownLine.current = line;
    show(line - 1);
  }, [line, lineCount, height, show]);
  const toLine = (number: number) => {
    shownLine.current = number + 1;
    jump(number);
  };

  const seekError = useRef<AbortController | null>(null);
  const goToError = () => {
    seekError.current?.abort();
    const gone = (seekError.current = new AbortController());
    void firstError(log, gone.signal).then((number) => {
      if (number !== null && !gone.signal.aborted) toLine(number);
    });
  };
  const asked = useRef(0);
  useEffect(() => {
    // A log that still comes is not known whole.
    if (jumpToError === asked.current || !(log.isComplete || isRunning)) return;
    asked.current = jumpToError;
    goToError();
    scroller.current?.focus({ preventScroll: true });
    scroller.current?.scrollIntoView({ block: 'center' });
  });
  useEffect(() => () => seekError.current?.abort(), [log]);

  const step = (by: 1 | -1) => {
    const { lines } = found;
    if (lines.length === 0) return;
    // From where one looks, when nothing was gone to yet.
    const from =
      at === -1 ? lines.findIndex((number) => number * lineHeight >= offset) - (by === 1 ? 1 : 0) : at;
    const next = (from + by + lines.length) % lines.length;
    setAt(next);
    toLine(lines[next]!);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys: Record<string, () => void> = {
      '/': () => searchInput.current?.focus(),
      n: () => step(1),
      N: () => step(-1),
      e: goToError,
      f: () => setFollowing(!isFollowing),
      Home: () => show(0),
      End: () => show(lineCount),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const highlight = searched === '' ? null : expressionOf(searched);
  const digits = String(lineCount).length;
  const rows: ReactNode[] = [];
  for (let number = first; number < last; number++) {
    const { spans, left } = log.line(number);
    rows.push(
      <div
        key={number}
        className={classes['line']}
        data-line={number + 1}
        data-current={line === number + 1 ? true : undefined}
        style={{ transform: `translateY(${number * lineHeight - offset + scrollTop}px)` }}
      >
        <button
          type="button"
          tabIndex={-1}
          className={classes['number']}
          style={{ width: `${digits + 2}ch` }}
          aria-label={`Line ${number + 1}, put into the address`}
          onClick={() => {
            shownLine.current = number + 1;
            onLine(line === number + 1 ? null : number + 1);
          }}
        >
          {number + 1}
        </button>
        <span className={classes['text']}>
          {spans.map((span, index) => (
            <span key={index} className={classOf(span.look)}>
              {highlight ? marked(span, highlight) : span.text}
            </span>
          ))}
          {left > 0 && (
            <span className={classes['left']}>{` … ${left} more characters in the download`}</span>
          )}
        </span>
      </div>,
    );
  }
  const place =
    found.lines.length === 0
      ? '0'
      : at === -1
        ? `${found.lines.length}`
        : `${at + 1} of ${found.lines.length}`;
  return (
    <div className={classes['viewer']}>
      <Group gap="xs" className={classes['bar']}>
        <TextInput
          ref={searchInput}
          aria-label="Search the log"
          placeholder="Search the log ( / )"
          size="xs"
          className={classes['search']}
          leftSection={<Icon name="search" size={14} />}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setAt(-1);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
            if (event.key === 'Escape') {
              setText('');
              scroller.current?.focus({ preventScroll: true });
            }
          }}
        />
        <Group gap={2} wrap="nowrap">
          <Tooltip label="Previous match (Shift Enter, N)">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Previous match"
              disabled={found.lines.length === 0}
              onClick={() => step(-1)}
            >
              <Icon name="up" />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Next match (Enter, n)">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Next match"
              disabled={found.lines.length === 0}
              onClick={() => step(1)}
            >
              <Icon name="down" />
            </ActionIcon>
          </Tooltip>
          <Text size="xs" c="dimmed" className={classes['count']} role="status">
            {text === '' ? '' : found.isSearching ? `${place} …` : place}
          </Text>
        </Group>
        <Button
          size="compact-sm"
          variant="default"
          disabled={lineCount === 0}
          onClick={goToError}
          leftSection={<Icon name="warning" size={14} />}
        >
          First error
        </Button>
        <Group gap="sm" ml="auto">
          {isRunning && (
            <Switch
              size="xs"
              label="Follow"
              checked={isFollowing}
              onChange={(event) => setFollowing(event.currentTarget.checked)}
            />
          )}
          {children}
        </Group>
      </Group>
      <div
        ref={useMergedRef(scroller, sizeRef)}
        className={classes['scroll']}
        role="region"
        aria-label={label}
        tabIndex={0}
        onKeyDown={onKey}
        onWheel={(event) => event.deltaY < 0 && setFollowing(false)}
        onTouchMove={() => setFollowing(false)}
        onScroll={(event) => {
          const { scrollTop: now } = event.currentTarget;
          setScrollTop(now);
          // By the bar or by keys; following itself only goes down.
          if (isFollowing && now < scrollTop - 2 * lineHeight) setFollowing(false);
        }}
      >
        {lineCount === 0 ? (
          <div className={classes['empty']}>
            {log.isComplete || isRunning ? empty : <Loader size="sm" aria-label="Loading the log" />}
          </div>
        ) : (
          <div className={classes['content']} style={{ height: content }}>
            {rows}
          </div>
        )}
      </div>
    </div>
  );
}

/** Drawn again at most once a frame, however fast the log grows. */
function useGrowingLog(log: LogText): { lineCount: number; version: number } {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    let frame: number | null = null;
    const stop = log.subscribe(() => {
      frame ??= requestAnimationFrame(() => {
        frame = null;
        setVersion((count) => count + 1);
      });
    });
    setVersion((count) => count + 1);
    return () => {
      stop();
      if (frame !== null) cancelAnimationFrame(frame);
    };
  }, [log]);
  return { lineCount: log.lineCount, version };
}

function classOf(look: Look): string | undefined {
  const names = [
    look.color !== null && classes[`color${look.color}`],
    look.ground !== null && classes['ground'],
    look.bold && classes['bold'],
    look.dim && classes['dim'],
    look.italic && classes['italic'],
    look.underline && classes['underline'],
  ].filter((name) => typeof name === 'string');
  return names.length > 0 ? names.join(' ') : undefined;
}

function marked({ text }: Span, expression: RegExp): ReactNode {
  const parts: ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(expression)) {
    parts.push(text.slice(end, match.index), <mark key={match.index}>{match[0]}</mark>);
    end = match.index + match[0].length;
  }
  return parts.length === 0 ? text : [...parts, text.slice(end)];
}
