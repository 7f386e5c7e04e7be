import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useMemo, useRef, useState } from 'react';
import { HooklineError, updateHook, type Hook } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { ConditionEditor } from './condition-editor.tsx';
import { changeOf, conditionAt, draftOf, variableAt, type Draft } from './draft.ts';
import classes from './hook.module.css';
import { valueAt, type Payload } from './payload.ts';
import { Preview } from './preview.tsx';
import { eventLabels, presetOf, type HookEvent } from './presets.ts';
import { SignatureFields } from './signature-fields.tsx';
import { usePreview } from './use-preview.ts';
import { VariableEditor } from './variable-editor.tsx';

/** All that a hook says, and beside it what that makes of a payload while it is being changed. */
export default function EditTab({ hook }: { hook: Hook }) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(hook));
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const change = useMemo(() => changeOf(hook, draft), [hook, draft]);
  const [settled] = useDebouncedValue(change, 300);
  const preview = usePreview(hook, settled);
  const save = useMutation({
    mutationFn: async () => {
      if (change) await updateHook({ path: { hook_type: 'incoming', hook_id: hook.id }, body: change });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['hook', hook.id] });
      const now = queries.getQueryData<Hook>(['hook', hook.id]);
      if (now) setDraft(draftOf(now));
      notifications.show({ message: 'The hook is saved.', color: 'green' });
    },
  });
  useBlocker({
    shouldBlockFn: ({ current, next }) =>
      (current.pathname !== next.pathname || tabOf(current.search) !== tabOf(next.search)) &&
      // oxlint-disable-next-line no-alert -- the browser asks the same when the page is left altogether
      !window.confirm('What you have changed is not saved. Leave it?'),
    enableBeforeUnload: change !== null,
    disabled: change === null,
  });
  const faultsByField = useMemo(
    () => ({ ...faultsOf(preview.error), ...faultsOf(save.error) }),
    [preview.error, save.error],
  );
  const [picks, setPicks] = useState<'variable' | 'condition'>('variable');
  const pick = (path: string, value: unknown) => {
    if (picks === 'variable') {
      const variable = variableAt(path, value, draft.variables);
      set({ variables: [...draft.variables, variable] });
      notifications.show({ message: `Variable ${variable.name} takes ${path}.` });
    } else {
      set({ conditions: [...draft.conditions, conditionAt(path, value)] });
      notifications.show({ message: `A condition on ${path} is added.` });
    }
  };
  useTaken(preview.payload, pick);
  const tried = preview.tryOut;
  // What the preset makes anew stands in another order than here.
  const triedConditions =
    tried?.conditions.length === draft.conditions.length &&
    tried.conditions.every(({ path }, index) => path === draft.conditions[index]?.path)
      ? tried.conditions
      : [];
  const preset = presetOf(hook.preset);
  const replaceAt = <T,>(items: T[], index: number, item: T) => items.with(index, item);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <div className={classes['columns']}>
        <Stack gap="lg">
          <TextInput
            label="Name"
            required
            maxLength={60}
            value={draft.name}
            error={faultsByField['name']}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          {preset && preset.events.length > 0 && (
            <section aria-labelledby="starts-at">
              <Title order={2} size="h4" id="starts-at" mb={4}>
                Starts at
              </Title>
              <Text size="sm" c="dimmed" mb="xs">
                What is changed here makes the conditions and variables of {preset.label} anew; your own stay.
              </Text>
              <Checkbox.Group
                aria-label="Events"
                value={draft.events}
                error={faultsByField['trigger_when.events']}
                onChange={(events) => set({ events: events as HookEvent[] })}
              >
                <Group>
                  {preset.events.map((event) => (
                    <Checkbox key={event} value={event} label={eventLabels[event]} />
                  ))}
                </Group>
              </Checkbox.Group>
              {draft.events.includes('push') && (
                <TagsInput
                  mt="xs"
                  label="Branches"
                  description="Such as main or release/*. Empty: all of them."
                  acceptValueOnBlur
                  value={draft.branches}
                  error={faultsByField['trigger_when.branches']}
                  onChange={(branches) => set({ branches })}
                />
              )}
            </section>
          )}
          <section aria-labelledby="conditions">
            <Title order={2} size="h4" id="conditions" mb={4}>
              Conditions
            </Title>
            <Text size="sm" c="dimmed" mb="xs">
              {draft.conditions.length === 0
                ? 'None: every request that verifies starts the pipeline.'
                : 'All of them must be met, or a request starts nothing.'}
            </Text>
            <Stack gap="sm">
              {draft.conditions.map((condition, index) => (
                <ConditionEditor
                  key={index}
                  number={index + 1}
                  condition={condition}
                  tried={triedConditions[index]}
                  faults={(field) => faultAt(faultsByField, `trigger_when.conditions.${index}.${field}`)}
                  onChange={(next) => set({ conditions: replaceAt(draft.conditions, index, next) })}
                  onRemove={() => set({ conditions: draft.conditions.toSpliced(index, 1) })}
                />
              ))}
              <Button
                variant="default"
                leftSection={<Icon name="plus" />}
                w="fit-content"
                onClick={() => set({ conditions: [...draft.conditions, { path: '', accepted_values: [] }] })}
              >
                Add a condition
              </Button>
            </Stack>
          </section>
          <section aria-labelledby="variables">
            <Title order={2} size="h4" id="variables" mb={4}>
              Variables
            </Title>
            <Text size="sm" c="dimmed" mb="xs">
              What the steps find as HOOKLINE_VAR_…, and templates of outgoing hooks by name. They are shown
              with each action: let none hold a secret.
            </Text>
            <Stack gap="sm">
              {draft.variables.map((variable, index) => (
                <VariableEditor
                  key={index}
                  variable={variable}
                  found={tried && preview.payload ? { value: tried.variables[variable.name] } : undefined}
                  faults={(field) => faultAt(faultsByField, `settings.variables.${index}.${field}`)}
                  onChange={(next) => set({ variables: replaceAt(draft.variables, index, next) })}
                  onRemove={() => set({ variables: draft.variables.toSpliced(index, 1) })}
                />
              ))}
              <Button
                variant="default"
                leftSection={<Icon name="plus" />}
                w="fit-content"
                onClick={() => set({ variables: [...draft.variables, { name: '', type: 'string' }] })}
              >
                Add a variable
              </Button>
            </Stack>
          </section>
          <SignatureFields draft={draft} set={set} hook={hook} faults={faultsByField} />
          <section aria-labelledby="limits">
            <Title order={2} size="h4" id="limits" mb="xs">
              Limits and repeats
            </Title>
            <Stack gap="xs">
              <NumberInput
                label="Requests a minute"
                description="What comes beyond is answered 429. Empty: no limit."
                min={1}
                max={1_000_000}
                allowDecimal={false}
                value={draft.rate_limit_per_minute ?? ''}
                error={faultsByField['rate_limit_per_minute']}
                onChange={(value) => set({ rate_limit_per_minute: typeof value === 'number' ? value : null })}
              />
              <TagsInput
                label="Where the id of a delivery stands"
                description="By it a repeat is recognised. Empty: the usual places."
                splitChars={[]}
                acceptValueOnBlur
                value={draft.delivery_id_paths}
                onChange={(paths) => set({ delivery_id_paths: paths })}
              />
            </Stack>
          </section>
          {save.error && <ErrorNotice error={save.error} />}
          <Group className={classes['bar'] ?? ''} gap="sm">
            <Button type="submit" loading={save.isPending} disabled={change === null}>
              Save
            </Button>
            <Button
              variant="default"
              disabled={change === null}
              onClick={() => {
                setDraft(draftOf(hook));
                save.reset();
              }}
            >
              Undo the changes
            </Button>
            <Text size="sm" c="dimmed" role="status">
              {change === null ? 'Nothing is changed.' : 'Not saved yet.'}
            </Text>
          </Group>
        </Stack>
        <div className={classes['beside']}>
          <Preview
            preview={preview}
            isChanged={settled !== null}
            picks={picks}
            onPicks={setPicks}
            onPick={pick}
          />
        </div>
      </div>
    </form>
  );
}

function tabOf(search: object): unknown {
  return Reflect.get(search, 'tab');
}

/** The page of a request leads here with a value that was clicked there. */
function useTaken(payload: Payload | null, pick: (path: string, value: unknown) => void) {
  const [{ take }, setSearch] = useSearchState({ take: '' });
  const taken = useRef('');
  if (take === '' || payload === null || taken.current === take) return;
  taken.current = take;
  // Not while this is drawn.
  queueMicrotask(() => {
    pick(take, valueAt(payload, take));
    setSearch({ take: '' });
  });
}

function faultsOf(error: unknown): Record<string, string> {
  if (!(error instanceof HooklineError)) return {};
  return Object.fromEntries(
    Object.entries(error.faultsByField).map(([field, message]) => [field.replace(/^hook\./, ''), message]),
  );
}

/** Of a field or of one of its parts. */
function faultAt(faults: Record<string, string>, field: string): string | undefined {
  return Object.entries(faults).find(([at]) => at === field || at.startsWith(`${field}.`))?.[1];
}
