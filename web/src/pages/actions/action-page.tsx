import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function ActionPage() {
  const { actionId } = useParams({ from: '/shell/actions/$actionId' });
  return (
    <>
      <PageHeader title="Action" id={actionId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
