import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function HookRequestPage() {
  const { requestId } = useParams({ from: '/shell/hook-requests/$requestId' });
  return (
    <>
      <PageHeader title="Request" id={requestId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
