import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function OutgoingHookPage() {
  const { hookId } = useParams({ from: '/shell/hooks/outgoing/$hookId' });
  return (
    <>
      <PageHeader title="Outgoing hook" id={hookId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
