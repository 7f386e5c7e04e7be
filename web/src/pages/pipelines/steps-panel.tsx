import { Button, Code, Group, Text, VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Pipeline, Step } from '#sdk';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { newStep, titleOf, type Draft, type DraftStep } from './draft.ts';
import classes from './pipelines.module.css';
import { StepCard, type DropPlace } from './step-card.tsx';
import { activation, moveRow, rowsOf, stepsOf, type Row } from './step-order.ts';

type Props = {
  pipeline: Pipeline;
  draft: Draft;
  onChange: (change: (before: Draft) => Draft) => void;
};

/** The steps in the order in which they run: Hookline's own as they are, the others to be edited and moved. */
export function StepsPanel({ pipeline, draft, onChange }: Props) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [dragged, setDragged] = useState<string | null>(null);
  const [drop, setDrop] = useState<{ row: number; place: DropPlace } | null>(null);
  const [said, setSaid] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const toFocus = useRef<string | null>(null);
  useEffect(() => {
    // A moved element loses the focus where the browser takes it out and puts it back.
    const key = toFocus.current;
    toFocus.current = null;
    if (key) list.current?.querySelector<HTMLElement>(`[data-focus="${key}"]`)?.focus();
  });

  const hasActivation = draft.defaultSteps;
  const rows = rowsOf(draft.steps, hasActivation);
  const defaults = hasActivation ? pipeline.steps.filter((step) => step.is_default_step) : [];
  const trailing = defaults.filter((step) => step.after_activation);
  const activate = defaults.findLast((step) => !step.after_activation);
  const leading = defaults.filter((step) => !step.after_activation && step !== activate);

  const setRows = (next: Row[]) => onChange((before) => ({ ...before, steps: stepsOf(next) }));
  const setStep = (key: string, change: Partial<DraftStep>) =>
    onChange((before) => ({
      ...before,
      steps: before.steps.map((step) => (step.key === key ? { ...step, ...change } : step)),
    }));
  const toggle = (key: string, isOpen: boolean) =>
    setOpen((before) => {
      const next = new Set(before);
      if (isOpen) next.add(key);
      else next.delete(key);
      return next;
    });
  const add = (afterActivation: boolean) => {
    const step = newStep(afterActivation);
    onChange((before) => ({ ...before, steps: [...before.steps, step] }));
    toggle(step.key, true);
    toFocus.current = `name-${step.key}`;
  };
  const move = (from: number, to: number, focus?: string) => {
    const row = rows[from];
    if (row === undefined || row === activation || to < 0 || to >= rows.length) return;
    const next = moveRow(rows, from, to);
    setRows(next);
    if (focus) toFocus.current = focus;
    const place = next.filter((one) => one !== activation).findIndex(({ key }) => key === row.key) + 1;
    const side = !hasActivation
      ? ''
      : next.indexOf(row) > next.indexOf(activation)
        ? ', once the release is live'
        : ', before the release is live';
    setSaid(`${titleOf(row)} is step ${place} of ${draft.steps.length} of yours${side}.`);
  };
  const dropOn = (index: number, place: DropPlace) => {
    const from = rows.findIndex((row) => row !== activation && row.key === dragged);
    setDragged(null);
    setDrop(null);
    if (from === -1) return;
    const to = (place === 'before' ? index : index + 1) - (from < index ? 1 : 0);
    if (to !== from) move(from, Math.min(to, rows.length - 1));
  };
  const dropTarget = (index: number) => ({
    drop: drop?.row === index ? drop.place : null,
    onDragOver: dragged ? (place: DropPlace) => setDrop({ row: index, place }) : null,
    onDrop: (place: DropPlace) => dropOn(index, place),
  });

  if (rows.every((row) => row === activation) && defaults.length === 0 && !hasActivation)
    return (
      <EmptyState
        title="No steps yet"
        icon="pipelines"
        text="A step is a bash script. The steps run one after another; the first that fails ends the run."
      >
        <AddButton onClick={() => add(false)}>Add a step</AddButton>
      </EmptyState>
    );
  let number = leading.length;
  return (
    <>
      <VisuallyHidden aria-live="polite">{said}</VisuallyHidden>
      <Text id="how-to-move" size="sm" c="dimmed" mb="sm">
        The steps run from the top to the bottom. Drag one by its handle, or focus the handle and press{' '}
        <Code>↑</Code> or <Code>↓</Code>.{hasActivation && ' The dashed ones are Hookline’s own.'}
      </Text>
      <ol className={classes['steps']} ref={list}>
        {leading.map((step, index) => (
          <DefaultStep key={step.id} step={step} place={index + 1} />
        ))}
        {rows.map((row, index) => {
          if (row === activation) {
            number++;
            return (
              <DefaultStep
                key={activation}
                step={activate ?? unsavedActivation}
                place={number}
                target={dropTarget(index)}
                before={
                  <AddButton onClick={() => add(false)}>Add a step before the release is live</AddButton>
                }
              />
            );
          }
          if (!row.isRemoved) number++;
          return (
            <StepCard
              key={row.key}
              step={row}
              place={number}
              isOpen={open.has(row.key)}
              isDragged={dragged === row.key}
              hasActivation={hasActivation}
              isFirst={index === 0}
              isLast={index === rows.length - 1}
              target={dropTarget(index)}
              onToggle={(isOpen) => toggle(row.key, isOpen)}
              onChange={(change) =>
                change.afterActivation === undefined
                  ? setStep(row.key, change)
                  : setRows(rowsOf(stepsWith(draft.steps, row.key, change), hasActivation))
              }
              onMove={(by, focus) => move(index, index + by, focus)}
              onDrag={(isDragging) => {
                setDragged(isDragging ? row.key : null);
                if (!isDragging) setDrop(null);
              }}
              onRemove={() => {
                if (row.id === null && !row.command.trim() && !row.name.trim())
                  onChange((before) => ({
                    ...before,
                    steps: before.steps.filter(({ key }) => key !== row.key),
                  }));
                else {
                  setStep(row.key, { isRemoved: true });
                  toFocus.current = `back-${row.key}`;
                }
              }}
            />
          );
        })}
        <li>
          <AddButton onClick={() => add(hasActivation)}>
            {hasActivation ? 'Add a step for when the release is live' : 'Add a step'}
          </AddButton>
        </li>
        {trailing.map((step, index) => (
          <DefaultStep key={step.id} step={step} place={number + index + 1} />
        ))}
      </ol>
    </>
  );
}

const unsavedActivation: Pick<Step, 'name' | 'description'> = {
  name: 'Activate the release',
  description: 'Hookline’s own steps are shown in full once this is saved.',
};

function stepsWith(steps: DraftStep[], key: string, change: Partial<DraftStep>): DraftStep[] {
  return steps.map((step) => (step.key === key ? { ...step, ...change } : step));
}

function AddButton({ onClick, children }: { onClick: () => void; children: string }) {
  return (
    <Button variant="subtle" size="compact-sm" leftSection={<Icon name="plus" size={14} />} onClick={onClick}>
      {children}
    </Button>
  );
}

type Target = {
  drop: DropPlace | null;
  onDragOver: ((place: DropPlace) => void) | null;
  onDrop: (place: DropPlace) => void;
};

/** A step of Hookline's own: what it does, and nothing to change. */
function DefaultStep({
  step,
  place,
  target,
  before,
}: {
  step: Pick<Step, 'name' | 'description'> & { command?: string };
  place: number;
  target?: Target;
  before?: React.ReactNode;
}) {
  const half = (event: React.DragEvent<HTMLElement>): DropPlace => {
    const { top, height } = event.currentTarget.getBoundingClientRect();
    return event.clientY < top + height / 2 ? 'before' : 'after';
  };
  return (
    <>
      {before && <li>{before}</li>}
      <li
        className={classes['step']}
        data-default
        data-drop={target?.drop ?? undefined}
        onDragOver={(event) => {
          if (!target?.onDragOver) return;
          event.preventDefault();
          target.onDragOver(half(event));
        }}
        onDrop={(event) => {
          event.preventDefault();
          target?.onDrop(half(event));
        }}
      >
        <Group className={classes['line']!} wrap="nowrap">
          <span className={classes['place']}>{place}</span>
          <Icon name="shield" size={14} />
          <div style={{ minWidth: 0 }}>
            <Text span fw={500}>
              {step.name}
            </Text>{' '}
            <Text span size="sm" c="dimmed">
              {step.command && !step.command.startsWith('#') ? (
                <Code>{step.command.split('\n')[0]}</Code>
              ) : (
                step.description
              )}
            </Text>
          </div>
        </Group>
      </li>
    </>
  );
}
