import { Paper, Text, TextInput, Title } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { OutgoingHookDraftPreview } from '#sdk';
import { JsonTree } from '../../components/json-tree.tsx';
import classes from './draft-form.module.css';

type Props = { answer: OutgoingHookDraftPreview | null; onPick: (path: string, value: unknown) => void };

/** What the templates may use, with the values of the action that is looked at; a click puts the name in. */
export function ContextPanel({ answer, onPick }: Props) {
  const [search, setSearch] = useState('');
  const tree = useMemo(() => {
    if (!answer) return {};
    const whole: Tree = {};
    for (const name of answer.names) place(whole, name.split('.'), null);
    const merged = merge(whole, answer.context);
    const wanted = search.trim().toLowerCase();
    return wanted === '' ? merged : (sift(merged, '', wanted) ?? {});
  }, [answer, search]);
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h5">
        What templates may use
      </Title>
      <Text size="xs" c="dimmed" mb="xs">
        A click puts a name in where the cursor is. What is null, this event does not have.
      </Text>
      <TextInput
        size="xs"
        mb="xs"
        aria-label="Search the names"
        placeholder="commit"
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <div className={classes['names']} data-names>
        <JsonTree key={search === '' ? 'all' : 'found'} value={tree} onPick={onPick} />
      </div>
    </Paper>
  );
}

type Tree = { [name: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function place(tree: Tree, [name = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    tree[name] ??= value;
    return;
  }
  const inner = isTree(tree[name]) ? tree[name] : {};
  tree[name] = inner;
  place(inner, rest, value);
}

function merge(names: Tree, values: Tree): Tree {
  const merged: Tree = { ...names };
  for (const [name, value] of Object.entries(values)) {
    const known = names[name];
    merged[name] = isTree(known) && isTree(value) ? merge(known, value) : value;
  }
  return merged;
}

/** The branches that hold what is looked for, in a name or a value. */
function sift(tree: Tree, path: string, wanted: string): Tree | null {
  const found = Object.entries(tree).flatMap(([name, value]): [string, unknown][] => {
    const whole = path ? `${path}.${name}` : name;
    if (whole.toLowerCase().includes(wanted)) return [[name, value]];
    if (isTree(value)) {
      const inner = sift(value, whole, wanted);
      return inner ? [[name, inner]] : [];
    }
    return typeof value === 'string' && value.toLowerCase().includes(wanted) ? [[name, value]] : [];
  });
  return found.length === 0 ? null : Object.fromEntries(found);
}
