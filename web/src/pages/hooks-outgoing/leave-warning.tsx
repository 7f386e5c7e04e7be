import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import type { RefObject } from 'react';

/** Asks before what was written is lost: on the way to another page, or where one of `keys` of the address changes. */
export function LeaveWarning({
  when,
  keys = [],
  isSaved,
}: {
  when: boolean;
  keys?: string[];
  /** Known at once, where the page goes on right after saving. */
  isSaved?: RefObject<boolean>;
}) {
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) => {
      if (!when || isSaved?.current === true) return false;
      const of = (search: object, key: string) => new Map(Object.entries(search)).get(key);
      return (
        current.pathname !== next.pathname ||
        keys.some((key) => of(current.search, key) !== of(next.search, key))
      );
    },
    enableBeforeUnload: when,
    withResolver: true,
  });
  return (
    <Modal opened={status === 'blocked'} onClose={() => reset?.()} title="Leave without saving?" centered>
      <Stack>
        <Text>What was written here is lost.</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => reset?.()} data-autofocus>
            Stay
          </Button>
          <Button color="red" onClick={() => proceed?.()}>
            Leave
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
