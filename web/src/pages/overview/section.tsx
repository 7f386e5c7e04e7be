import { Text, Title } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { Children, type ReactNode } from 'react';
import classes from './overview.module.css';

/** A part of the overview with a list; `empty` in place of a list without items. */
export function Section({ title, empty, children }: { title: string; empty: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className={classes['card']} aria-labelledby={id}>
      <Title id={id} order={2} size="h4" mb={4}>
        {title}
      </Title>
      {Children.count(children) === 0 ? (
        <Text c="dimmed" size="sm" py="xs">
          {empty}
        </Text>
      ) : (
        <ul className={classes['list']}>{children}</ul>
      )}
    </section>
  );
}
