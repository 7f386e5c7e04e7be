import { ActionIcon, Checkbox, Group, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import type { IncomingCondition, TriedCondition } from '#sdk';
import { Icon } from '../../components/icon.tsx';
import { Found } from './found.tsx';
import classes from './hook.module.css';

type Props = {
  condition: IncomingCondition;
  number: number;
  tried?: TriedCondition | undefined;
  onChange: (condition: IncomingCondition) => void;
  onRemove: () => void;
  faults: (field: string) => string | undefined;
};

const places = [
  { value: 'request_body', label: 'Body' },
  { value: 'request_header', label: 'Header' },
  { value: 'request_query', label: 'Query' },
  { value: 'variable', label: 'Variable' },
];

export function ConditionEditor({ condition, number, tried, onChange, onRemove, faults }: Props) {
  const set = (change: Partial<IncomingCondition>) => onChange({ ...condition, ...change });
  const list = (values: string[]) => (values.length > 0 ? values : null);
  const hasMore =
    (condition.globs?.length ?? 0) + (condition.matches?.length ?? 0) > 0 ||
    Boolean(condition.same_as) ||
    typeof condition.exists === 'boolean' ||
    (condition.fallback_paths?.length ?? 0) > 0;
  return (
    <div
      className={classes['card']}
      role="group"
      aria-label={`Condition ${number}`}
      data-met={tried ? String(tried.met) : undefined}
    >
      <Stack gap="xs">
        <Group gap="xs" wrap="nowrap" align="end">
          <Select
            label="Where"
            w={110}
            allowDeselect={false}
            data={places}
            value={condition.type ?? 'request_body'}
            onChange={(type) => set({ type: type as NonNullable<IncomingCondition['type']> })}
          />
          <TextInput
            label={
              condition.type === 'variable'
                ? 'Variable'
                : condition.type === 'request_header'
                  ? 'Header'
                  : 'Path'
            }
            required
            flex={1}
            value={condition.path}
            error={faults('path')}
            onChange={(event) => set({ path: event.currentTarget.value })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            mb={4}
            aria-label={`Remove condition ${number}`}
            onClick={onRemove}
          >
            <Icon name="trash" />
          </ActionIcon>
        </Group>
        <TagsInput
          label={condition.not ? 'Is none of' : 'Is one of'}
          placeholder="Enter adds a value"
          splitChars={[]}
          acceptValueOnBlur
          value={(condition.accepted_values ?? []).map(String)}
          error={faults('accepted_values')}
          onChange={(values) => set({ accepted_values: values })}
        />
        {tried && (
          <Group gap={6} wrap="nowrap" align="start">
            <Text span className={tried.met ? classes['good'] : classes['bad']} pt={2}>
              <Icon name={tried.met ? 'check-circle' : 'cross-circle'} />
            </Text>
            <Text size="xs" component="div">
              <strong>{tried.met ? 'Met' : 'Not met'}</strong>: found was <Found value={tried.found} />
            </Text>
          </Group>
        )}
        <details className={classes['more']} open={hasMore || undefined}>
          <summary>Patterns, presence, negation, name</summary>
          <Stack gap="xs" mt="xs">
            <TagsInput
              label="Or matches a pattern"
              description="release/* stays within a folder, apps/** does not."
              splitChars={[]}
              acceptValueOnBlur
              value={condition.globs ?? []}
              error={faults('globs')}
              onChange={(globs) => set({ globs: list(globs) })}
            />
            <TagsInput
              label="Or matches a regular expression"
              splitChars={[]}
              acceptValueOnBlur
              value={condition.matches ?? []}
              error={faults('matches')}
              onChange={(matches) => set({ matches: list(matches) })}
            />
            <div className={classes['pair']}>
              <TextInput
                label="Or is the same as"
                placeholder="A path"
                value={condition.same_as ?? ''}
                error={faults('same_as')}
                onChange={(event) => set({ same_as: event.currentTarget.value || null })}
              />
              <Select
                label="Or presence"
                error={faults('exists')}
                data={[
                  { value: '', label: 'Does not matter' },
                  { value: 'true', label: 'Is there' },
                  { value: 'false', label: 'Is absent' },
                ]}
                allowDeselect={false}
                value={typeof condition.exists === 'boolean' ? String(condition.exists) : ''}
                onChange={(value) =>
                  set({ exists: value === '' || value === null ? null : value === 'true' })
                }
              />
            </div>
            {(condition.type ?? 'request_body') === 'request_body' && (
              <TagsInput
                label="Other paths"
                description="Looked at where there is nothing at the path."
                splitChars={[]}
                value={condition.fallback_paths ?? []}
                error={faults('fallback_paths')}
                onChange={(paths) => set({ fallback_paths: list(paths) })}
              />
            )}
            <TextInput
              label="Name"
              description="Stands in the reason of a request that does not meet it."
              maxLength={60}
              value={condition.name ?? ''}
              onChange={(event) => set({ name: event.currentTarget.value || null })}
            />
            <Checkbox
              size="xs"
              label="Not: met by everything else"
              checked={condition.not ?? false}
              onChange={(event) => set({ not: event.currentTarget.checked || null })}
            />
          </Stack>
        </details>
      </Stack>
    </div>
  );
}
