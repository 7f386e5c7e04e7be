import {
  ActionIcon,
  Badge,
  Button,
  Collapse,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  TextInput,
  Tooltip,
  UnstyledButton,
} from '@mantine/core';
import { lazy, Suspense, useRef, type DragEvent, type KeyboardEvent } from 'react';
import { Icon } from '../../components/icon.tsx';
import { durationText } from '../../components/time.tsx';
import { titleOf, type DraftStep } from './draft.ts';
import classes from './pipelines.module.css';

const CodeEditor = lazy(() => import('../../components/code-editor.tsx'));

export type DropPlace = 'before' | 'after';

type Props = {
  step: DraftStep;
  place: number;
  isOpen: boolean;
  isDragged: boolean;
  isFirst: boolean;
  isLast: boolean;
  hasActivation: boolean;
  target: {
    drop: DropPlace | null;
    onDragOver: ((place: DropPlace) => void) | null;
    onDrop: (place: DropPlace) => void;
  };
  onToggle: (isOpen: boolean) => void;
  onChange: (change: Partial<DraftStep>) => void;
  /** `focus` names what has the focus afterwards. */
  onMove: (by: -1 | 1, focus: string) => void;
  onDrag: (isDragging: boolean) => void;
  onRemove: () => void;
};

const runners = [
  { value: 'custom', label: 'None: the script as it is' },
  { value: 'npm', label: 'npm' },
  { value: 'yarn', label: 'yarn' },
  { value: 'composer', label: 'composer' },
  { value: 'pip', label: 'pip' },
];

/** A step of one's own: a line that opens to be edited, with a handle to move it. */
export function StepCard(props: Props) {
  const { step, place, isOpen, isDragged, isFirst, isLast, target } = props;
  const card = useRef<HTMLLIElement>(null);
  const title = titleOf(step);
  if (step.isRemoved) return <RemovedStep {...props} />;
  const half = (event: DragEvent): DropPlace => {
    const { top = 0, height = 0 } = card.current?.getBoundingClientRect() ?? {};
    return event.clientY < top + height / 2 ? 'before' : 'after';
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    props.onMove(event.key === 'ArrowUp' ? -1 : 1, `handle-${step.key}`);
  };
  return (
    <li
      ref={card}
      className={classes['step']}
      data-own
      data-dragged={isDragged || undefined}
      data-drop={target.drop ?? undefined}
      onDragOver={(event) => {
        if (!target.onDragOver) return;
        event.preventDefault();
        target.onDragOver(half(event));
      }}
      onDrop={(event) => {
        if (!target.onDragOver) return;
        event.preventDefault();
        target.onDrop(half(event));
      }}
    >
      <div className={classes['line']}>
        <ActionIcon
          className={classes['handle']!}
          variant="subtle"
          color="gray"
          data-focus={`handle-${step.key}`}
          aria-label={`Move ${title}, step ${place}`}
          aria-describedby="how-to-move"
          draggable
          onDragStart={(event) => {
            event.dataTransfer.effectAllowed = 'move';
            event.dataTransfer.setData('text/plain', title);
            if (card.current) event.dataTransfer.setDragImage(card.current, 16, 16);
            props.onDrag(true);
          }}
          onDragEnd={() => props.onDrag(false)}
          onKeyDown={onKey}
        >
          <Icon name="drag" />
        </ActionIcon>
        <span className={classes['place']}>{place}</span>
        <UnstyledButton
          className={classes['open']!}
          aria-expanded={isOpen}
          onClick={() => props.onToggle(!isOpen)}
        >
          <span className={classes['title']}>
            <Text span fw={500}>
              {title}
            </Text>
          </span>
          {!isOpen && step.name.trim() && (
            <span className={classes['script']}>{titleOf({ name: '', command: step.command })}</span>
          )}
        </UnstyledButton>
        <Group gap={4} visibleFrom="sm" wrap="nowrap">
          {step.runner !== 'custom' && <Badge variant="default">{step.runner}</Badge>}
          {step.runAsUser && <Badge variant="default">{step.runAsUser}</Badge>}
          {step.timeoutSeconds !== null && (
            <Badge variant="default">{durationText(step.timeoutSeconds * 1000)}</Badge>
          )}
        </Group>
        <Group gap={0} wrap="nowrap">
          <Tooltip label="Move up">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Move ${title} up`}
              data-focus={`up-${step.key}`}
              bg={isFirst ? 'transparent' : undefined}
              disabled={isFirst}
              onClick={() => props.onMove(-1, `up-${step.key}`)}
            >
              <Icon name="up" />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Move down">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Move ${title} down`}
              data-focus={`down-${step.key}`}
              bg={isLast ? 'transparent' : undefined}
              disabled={isLast}
              onClick={() => props.onMove(1, `down-${step.key}`)}
            >
              <Icon name="down" />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Remove">
            <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${title}`} onClick={props.onRemove}>
              <Icon name="trash" />
            </ActionIcon>
          </Tooltip>
        </Group>
      </div>
      <Collapse expanded={isOpen} transitionDuration={100}>
        {isOpen && <StepForm {...props} />}
      </Collapse>
    </li>
  );
}

function StepForm({ step, hasActivation, onChange }: Props) {
  return (
    <Stack className={classes['form']!} gap="sm">
      <TextInput
        label="Name"
        description="Shown in runs and notifications."
        maxLength={60}
        value={step.name}
        data-focus={`name-${step.key}`}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <Suspense fallback={<Text c="dimmed">…</Text>}>
        <CodeEditor
          label={step.runner === 'custom' ? 'Script' : `Arguments of ${step.runner}`}
          description={
            step.runner === 'custom'
              ? 'Run by bash; the first command that fails ends it. Tab indents, Escape and Tab leave.'
              : undefined
          }
          language="shell"
          value={step.command}
          error={step.command.trim() ? undefined : 'A step needs a script.'}
          onChange={(command) => onChange({ command })}
        />
      </Suspense>
      <details>
        <summary>Options of the step</summary>
        <SimpleGrid cols={{ base: 1, sm: 2 }} mt="sm" spacing="sm">
          <TextInput
            label="Runs as the user"
            description="On the target; empty for the one that Hookline signs in as."
            maxLength={60}
            value={step.runAsUser}
            onChange={(event) => onChange({ runAsUser: event.currentTarget.value })}
          />
          <NumberInput
            label="Time limit, in seconds"
            description={
              step.timeoutSeconds === null ? 'Empty for an hour.' : durationText(step.timeoutSeconds * 1000)
            }
            min={1}
            max={86_400}
            allowDecimal={false}
            value={step.timeoutSeconds ?? ''}
            onChange={(value) => onChange({ timeoutSeconds: typeof value === 'number' ? value : null })}
          />
          <Select
            label="Program"
            description="Put before the script."
            data={runners}
            allowDeselect={false}
            value={step.runner}
            onChange={(value) => value && onChange({ runner: value as DraftStep['runner'] })}
          />
          <TextInput
            label="Description"
            description="For those who read it next."
            maxLength={255}
            value={step.description}
            onChange={(event) => onChange({ description: event.currentTarget.value })}
          />
          {hasActivation && (
            <Switch
              label="Once the release is live"
              description="To restart or reload what serves it."
              checked={step.afterActivation}
              onChange={(event) => onChange({ afterActivation: event.currentTarget.checked })}
            />
          )}
        </SimpleGrid>
      </details>
    </Stack>
  );
}

function RemovedStep({ step, onChange }: Props) {
  return (
    <li className={classes['step']} data-default>
      <div className={classes['line']}>
        <Icon name="trash" size={14} />
        <Text size="sm" c="dimmed" flex={1} truncate>
          {titleOf(step)} is removed when you save.
        </Text>
        <Button
          size="compact-sm"
          variant="default"
          data-focus={`back-${step.key}`}
          onClick={() => onChange({ isRemoved: false })}
        >
          Put it back
        </Button>
      </div>
    </li>
  );
}
