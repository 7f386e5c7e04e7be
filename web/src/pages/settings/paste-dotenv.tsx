import {
  Badge,
  Button,
  Checkbox,
  Code,
  Group,
  Modal,
  Progress,
  Stack,
  Table,
  Text,
  Textarea,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { addVariable, listVariablesByResourceType, pages, updateVariable } from '#sdk';
import { collect } from '../../api/lists.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { parseDotenv, soundsSecret } from './parse-dotenv.ts';
import { readAgain } from './settings-data.ts';
import type { VariableOwner } from './variables-panel.tsx';

/** Many variables at once, from the text of a `.env` file; what would happen is shown before it does. */
export function PasteDotenv({ owner }: { owner: VariableOwner }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" onClick={() => setOpen(true)}>
        Paste a .env file
      </Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title="Paste a .env file" size="xl" centered>
        <Paste owner={owner} onClose={() => setOpen(false)} />
      </Modal>
    </>
  );
}

type State = 'new' | 'changed' | 'as it is';

function Paste({ owner, onClose }: { owner: VariableOwner; onClose: () => void }) {
  const [text, setText] = useState('');
  const [hiddenByKey, setHidden] = useState<Record<string, boolean>>({});
  const [done, setDone] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const existing = useQuery({
    queryKey: ['variables', owner.resource_type, owner.resource_id, 'all'],
    queryFn: ({ signal }) => collect(pages(listVariablesByResourceType, { path: owner, signal })),
  });
  const lines = useMemo(() => parseDotenv(text), [text]);
  const deferred = useDeferredValue(lines);
  const byKey = useMemo(
    () => new Map((existing.data ?? []).map((variable) => [variable.key, variable])),
    [existing.data],
  );
  const isHidden = (key: string) => hiddenByKey[key] ?? byKey.get(key)?.hidden ?? soundsSecret(key);
  const stateOf = ({ key, value }: { key: string; value: string }): State => {
    const before = byKey.get(key);
    if (!before) return 'new';
    return !before.hidden && before.value === value && !isHidden(key) ? 'as it is' : 'changed';
  };
  const entries = deferred.filter((line) => 'key' in line);
  const faults = deferred.filter((line) => 'fault' in line);
  const toSave = entries.filter((entry) => stateOf(entry) !== 'as it is');
  const save = async () => {
    setError(null);
    try {
      for (const [index, { key, value }] of toSave.entries()) {
        setDone(index);
        const body = { key, value, hidden: isHidden(key) };
        const before = byKey.get(key);
        if (before)
          await updateVariable({
            path: { variable_id: before.id },
            body: { ...body, description: before.description },
          });
        else await addVariable({ path: owner, body });
      }
      await readAgain('variables');
      onClose();
    } catch (fault) {
      // What was saved before it shows as it is now.
      await readAgain('variables');
      setError(fault);
    } finally {
      setDone(null);
    }
  };
  return (
    <Stack>
      <Textarea
        label="Text of the file"
        description="Nothing is saved before you say so. Variables that the text does not name stay."
        autosize
        minRows={6}
        maxRows={14}
        spellCheck={false}
        autoComplete="off"
        data-autofocus
        value={text}
        placeholder={'NODE_ENV=production\nAPI_TOKEN="…"'}
        onChange={(event) => setText(event.currentTarget.value)}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
      {existing.error && <ErrorNotice error={existing.error} onRetry={() => void existing.refetch()} />}
      {faults.length > 0 && (
        <Text c="red" size="sm" role="alert">
          {faults.map(({ line, fault }) => `Line ${line} ${fault}.`).join(' ')}
        </Text>
      )}
      {entries.length > 0 && (
        <Table.ScrollContainer minWidth={460} maxHeight={320}>
          <Table aria-label="What would be saved" stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Value</Table.Th>
                <Table.Th>Hidden</Table.Th>
                <Table.Th>What happens</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entries.map((entry) => (
                <Table.Tr key={entry.key}>
                  <Table.Td>
                    <Code>{entry.key}</Code>
                  </Table.Td>
                  <Table.Td maw={260}>
                    {isHidden(entry.key) ? (
                      <Text span size="sm" c="dimmed">
                        {entry.value.length} characters
                      </Text>
                    ) : (
                      <Text size="sm" ff="monospace" truncate>
                        {entry.value}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Checkbox
                      aria-label={`Hide ${entry.key}`}
                      checked={isHidden(entry.key)}
                      onChange={(event) => {
                        const { checked } = event.currentTarget;
                        setHidden((before) => ({ ...before, [entry.key]: checked }));
                      }}
                    />
                  </Table.Td>
                  <Table.Td>
                    <Badge variant="default" tt="none">
                      {stateOf(entry)}
                    </Badge>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {done !== null && <Progress value={(done / toSave.length) * 100} aria-label="Saving" />}
      {error !== null && <ErrorNotice error={error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          loading={done !== null}
          disabled={toSave.length === 0 || faults.length > 0 || !existing.data}
          onClick={() => void save()}
        >
          {toSave.length === 1 ? 'Save 1 variable' : `Save ${toSave.length} variables`}
        </Button>
      </Group>
    </Stack>
  );
}
