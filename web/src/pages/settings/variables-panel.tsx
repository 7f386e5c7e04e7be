import { Code, Group, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import {
  addVariable,
  deleteVariable,
  listVariablesByResourceType,
  updateVariable,
  type Variable,
} from '#sdk';
import { useList } from '../../api/lists.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { Time } from '../../components/time.tsx';
import { FormButton } from './form-button.tsx';
import { PasteDotenv } from './paste-dotenv.tsx';
import { readAgain } from './settings-data.ts';

export type VariableOwner = { resource_type: 'application' | 'server'; resource_id: number };

/** The variables of an application or a server; of a hidden one only that it is there. `children` stand beside the buttons. */
export function VariablesPanel({ owner, children }: { owner: VariableOwner; children?: ReactNode }) {
  const list = useList(['variables', owner.resource_type, owner.resource_id], listVariablesByResourceType, {
    path: owner,
  });
  return (
    <Stack>
      <Group justify="space-between" align="flex-end" gap="xs">
        <div>{children}</div>
        <Group gap="xs">
          <PasteDotenv owner={owner} />
          <FormButton
            label="Add a variable"
            button={{ variant: 'filled' }}
            title="Add a variable"
            submit="Add"
            onSubmit={async ({ text, optional, checked }) => {
              await addVariable({
                path: owner,
                body: {
                  key: text('key'),
                  value: text('value'),
                  description: optional('description'),
                  hidden: checked('hidden'),
                },
              });
              await readAgain('variables');
            }}
          >
            {(faults) => <VariableFields faults={faults} />}
          </FormButton>
        </Group>
      </Group>
      <DataTable
        {...list}
        label="Variables"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState
            icon="pen"
            title="No variables yet"
            text="Every step that runs here finds them in its environment. Add one, or paste a whole .env file."
          />
        }
      />
    </Stack>
  );
}

const columns: Column<Variable>[] = [
  { key: 'key', header: 'Name', phone: 'bare', cell: ({ key }) => <Code>{key}</Code> },
  {
    key: 'value',
    header: 'Value',
    width: 'minmax(0, 1.4fr)',
    cell: ({ hidden, value }) =>
      hidden ? (
        <Text span size="sm" c="dimmed">
          <Icon name="shield" size={14} /> Hidden
        </Text>
      ) : (
        <Text span size="sm" ff="monospace" lineClamp={2}>
          {value}
        </Text>
      ),
  },
  { key: 'description', header: 'Description', cell: ({ description }) => description ?? '' },
  { key: 'changed', header: 'Changed', width: '110px', cell: ({ updated_at }) => <Time at={updated_at} /> },
  {
    key: 'do',
    header: 'Change',
    width: '150px',
    phone: 'bare',
    cell: (variable) => <Changes variable={variable} />,
  },
];

function Changes({ variable }: { variable: Variable }) {
  const path = { variable_id: variable.id };
  return (
    <Group gap="xs" wrap="nowrap">
      <FormButton
        label="Edit"
        button={{ size: 'compact-sm', 'aria-label': `Edit ${variable.key}` }}
        title={`Edit ${variable.key}`}
        submit="Save"
        onSubmit={async ({ text, optional, checked }) => {
          const typed = text('value');
          // The mask as value keeps a hidden one.
          const value = variable.hidden && typed === '' ? (variable.value ?? '') : typed;
          await updateVariable({
            path,
            body: {
              key: text('key'),
              value,
              description: optional('description'),
              hidden: checked('hidden'),
            },
          });
          await readAgain('variables');
        }}
      >
        {(faults) => <VariableFields faults={faults} variable={variable} />}
      </FormButton>
      <ConfirmButton
        size="compact-sm"
        aria-label={`Delete ${variable.key}`}
        title={`Delete ${variable.key}?`}
        warning={
          variable.hidden
            ? 'Steps no longer find it in their environment, and its value cannot be brought back.'
            : 'Steps no longer find it in their environment.'
        }
        confirm="Delete"
        onConfirm={async () => {
          await deleteVariable({ path });
          await readAgain('variables');
        }}
      >
        Delete
      </ConfirmButton>
    </Group>
  );
}

function VariableFields({ faults, variable }: { faults: Record<string, string>; variable?: Variable }) {
  return (
    <>
      <TextInput
        label="Name"
        name="key"
        required
        data-autofocus={variable ? undefined : true}
        defaultValue={variable?.key}
        spellCheck={false}
        autoComplete="off"
        error={faults['key']}
      />
      <Textarea
        label="Value"
        name="value"
        autosize
        minRows={2}
        maxRows={12}
        spellCheck={false}
        autoComplete="off"
        description={variable?.hidden ? 'Left empty, the hidden value stays.' : undefined}
        defaultValue={variable?.hidden ? '' : (variable?.value ?? '')}
        error={faults['value']}
      />
      <TextInput
        label="Description"
        name="description"
        defaultValue={variable?.description ?? ''}
        error={faults['description']}
      />
      <Switch
        label="Hidden"
        description="Never shown again, and masked in the output of steps."
        name="hidden"
        defaultChecked={variable?.hidden ?? false}
      />
    </>
  );
}
