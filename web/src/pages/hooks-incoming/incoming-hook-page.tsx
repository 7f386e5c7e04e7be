import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function IncomingHookPage() {
  const { hookId } = useParams({ from: '/shell/hooks/incoming/$hookId' });
  return (
    <>
      <PageHeader title="Incoming hook" id={hookId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
