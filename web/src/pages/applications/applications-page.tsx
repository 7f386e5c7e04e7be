import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function ApplicationsPage() {
  return (
    <>
      <PageHeader title="Applications" />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
