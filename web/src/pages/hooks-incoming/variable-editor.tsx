import {
  ActionIcon,
  Checkbox,
  Group,
  Select,
  Stack,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { HookVariable } from '#sdk';
import { Icon } from '../../components/icon.tsx';
import classes from './hook.module.css';
import { Found } from './found.tsx';

type Props = {
  variable: HookVariable;
  /** What the payload at hand yields; undefined while there is none. */
  found?: { value: unknown } | undefined;
  onChange: (variable: HookVariable) => void;
  onRemove: () => void;
  faults: (field: string) => string | undefined;
};

const types = [
  { value: 'string', label: 'Text' },
  { value: 'integer', label: 'Whole number' },
  { value: 'boolean', label: 'True or false' },
  { value: 'array', label: 'List' },
];

export function VariableEditor({ variable, found, onChange, onRemove, faults }: Props) {
  const set = (change: Partial<HookVariable>) => onChange({ ...variable, ...change });
  const { transform } = variable;
  const setTransform = (change: NonNullable<HookVariable['transform']>) =>
    set({ transform: tidy({ ...transform, ...change }) });
  const label = variable.name || 'the variable';
  return (
    <div className={classes['card']} role="group" aria-label={`Variable ${variable.name}`}>
      <Stack gap="xs">
        <div className={classes['pair']}>
          <TextInput
            label="Name"
            required
            maxLength={60}
            value={variable.name}
            error={faults('name')}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          <TextInput
            label="Path"
            placeholder={variable.name}
            value={variable.path ?? ''}
            error={faults('path')}
            onChange={(event) => set({ path: event.currentTarget.value || null })}
          />
        </div>
        <Group justify="space-between" align="center" wrap="nowrap" gap="xs">
          <Group gap="sm">
            <Select
              aria-label={`Type of ${label}`}
              size="xs"
              w={140}
              allowDeselect={false}
              data={types}
              value={variable.type ?? 'string'}
              onChange={(type) => set({ type: type as NonNullable<HookVariable['type']> })}
            />
            <Checkbox
              size="xs"
              label="Required"
              checked={variable.required ?? false}
              onChange={(event) => set({ required: event.currentTarget.checked })}
            />
          </Group>
          <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${label}`} onClick={onRemove}>
            <Icon name="trash" />
          </ActionIcon>
        </Group>
        {found && (
          <Text size="xs" component="div">
            Yields <Found value={found.value} />
          </Text>
        )}
        <details className={classes['more']} open={hasFault(faults)}>
          <summary>Default, other places, transform</summary>
          <Stack gap="xs" mt="xs">
            <TextInput
              label="Default"
              description="Taken where there is nothing."
              value={textOf(variable.default_value)}
              error={faults('default_value')}
              onChange={(event) => set({ default_value: valueOf(event.currentTarget.value, variable.type) })}
            />
            <TagsInput
              label="Other paths"
              description="Looked at in this order where there is nothing at the path."
              splitChars={[]}
              value={variable.fallback_paths ?? []}
              onChange={(paths) => set({ fallback_paths: paths.length > 0 ? paths : null })}
            />
            <TagsInput
              label="Take off before"
              description="Such as refs/heads/."
              splitChars={[]}
              value={[transform?.strip_prefix ?? []].flat()}
              onChange={(prefixes) => setTransform({ strip_prefix: prefixes.length > 0 ? prefixes : null })}
            />
            <Checkbox
              size="xs"
              label="A list or an object as JSON"
              checked={transform?.json ?? false}
              onChange={(event) => setTransform({ json: event.currentTarget.checked || null })}
            />
            <TextInput
              label="Capture"
              description="A regular expression; its first group is the value."
              value={transform?.capture ?? ''}
              error={faults('transform.capture')}
              onChange={(event) => setTransform({ capture: event.currentTarget.value || null })}
            />
            <Checkbox
              size="xs"
              label="In lower case"
              checked={transform?.lower_case ?? false}
              onChange={(event) => setTransform({ lower_case: event.currentTarget.checked || null })}
            />
            <Textarea
              label="Translate"
              description="One to a line: heads = branch"
              rows={2}
              defaultValue={Object.entries(transform?.map ?? {})
                .map((pair) => pair.join(' = '))
                .join('\n')}
              onChange={(event) => setTransform({ map: mapOf(event.currentTarget.value) })}
            />
          </Stack>
        </details>
      </Stack>
    </div>
  );
}

function hasFault(faults: Props['faults']): boolean | undefined {
  return faults('default_value') !== undefined || faults('transform.capture') !== undefined
    ? true
    : undefined;
}

function textOf(value: HookVariable['default_value']): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What is typed, as the variable's type where it reads as that; else the server says what is wrong. */
function valueOf(text: string, type: HookVariable['type']): HookVariable['default_value'] {
  if (text === '') return null;
  if (type === undefined || type === 'string') return text;
  try {
    return JSON.parse(text) as HookVariable['default_value'];
  } catch {
    return text;
  }
}

function mapOf(text: string): Record<string, string> | null {
  const pairs = text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
  });
  return pairs.length > 0 ? Object.fromEntries(pairs) : null;
}

/** Null when nothing of it is left. */
function tidy(transform: NonNullable<HookVariable['transform']>): HookVariable['transform'] {
  const left = Object.entries(transform).filter(([, value]) => value !== null && value !== undefined);
  return left.length > 0 ? Object.fromEntries(left) : null;
}
