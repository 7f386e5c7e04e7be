import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { EmptyState } from './empty-state.tsx';

export function NotFound() {
  return (
    <EmptyState title="There is no such page" icon="search" text="The address may be mistyped.">
      <Button renderRoot={(props) => <Link to="/" {...props} />}>To the overview</Button>
    </EmptyState>
  );
}
