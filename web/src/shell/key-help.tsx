import { Group, Kbd, Modal, Stack, Text } from '@mantine/core';
import { areas } from './areas.ts';

const others = [
  { keys: ['Ctrl or ⌘', 'K'], does: 'Find an application, pipeline, hook or action' },
  { keys: ['/'], does: 'Search in the list that is shown' },
  { keys: ['↑', '↓', 'Enter'], does: 'Go through a list and open a row' },
  { keys: ['?'], does: 'These keys' },
];

export default function KeyHelp({ onClose }: { onClose: () => void }) {
  const rows = [...others, ...areas.map(({ key, label }) => ({ keys: ['g', key], does: label }))];
  return (
    <Modal opened onClose={onClose} title="Keys">
      <Stack gap="xs">
        {rows.map(({ keys, does }) => (
          <Group key={does} justify="space-between" wrap="nowrap">
            <Text size="sm">{does}</Text>
            <Group gap={4} wrap="nowrap">
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </Group>
          </Group>
        ))}
      </Stack>
    </Modal>
  );
}
