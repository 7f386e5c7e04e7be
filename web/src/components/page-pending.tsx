import { Skeleton, Stack } from '@mantine/core';

/** While the code of a page comes. */
export function PagePending() {
  return (
    <Stack aria-busy="true" aria-label="Loading">
      <Skeleton h={32} w={240} />
      <Skeleton h={160} />
    </Stack>
  );
}
