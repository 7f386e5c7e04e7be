import { Text, Title } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { Children, useEffect, useRef, type ReactNode } from 'react';
import { Icon } from '../../components/icon.tsx';
import classes from './first-steps.module.css';

export type StepState = 'done' | 'now' | 'later';

type Props = {
  number: number;
  title: string;
  state: StepState;
  /** What to do, in one sentence. */
  sentence: string;
  /** What was made, once it is done. */
  summary?: ReactNode;
  /** When it becomes another, the focus comes here: the form that had it is gone. */
  focusKey?: string;
  children?: ReactNode;
};

/** One of the steps; its content is there while it is its turn. */
export function StepCard({ number, title, state, sentence, summary, focusKey, children }: Props) {
  const id = useId();
  const card = useRef<HTMLLIElement>(null);
  const lastKey = useRef(focusKey);
  useEffect(() => {
    if (lastKey.current !== focusKey) card.current?.focus();
    lastKey.current = focusKey;
  }, [focusKey]);
  const hasContent = Children.toArray(children).length > 0;
  return (
    <li
      ref={card}
      tabIndex={-1}
      className={classes['step']}
      data-state={state}
      aria-labelledby={id}
      aria-current={state === 'now' ? 'step' : undefined}
    >
      <div className={classes['head']}>
        <span className={classes['mark']} aria-hidden="true">
          {state === 'done' ? <Icon name="check" /> : number}
        </span>
        <Title id={id} order={2} size="h4" c={state === 'later' ? 'dimmed' : undefined}>
          {title}
        </Title>
        {state === 'done' && summary && <div className={classes['summary']}>{summary}</div>}
      </div>
      {state === 'now' && (
        <Text mt={6} size="sm" c="dimmed">
          {sentence}
        </Text>
      )}
      {hasContent && <div className={classes['content']}>{children}</div>}
    </li>
  );
}
