import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function ApplicationPage() {
  const { applicationId } = useParams({ from: '/shell/applications/$applicationId' });
  return (
    <>
      <PageHeader title="Application" id={applicationId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
