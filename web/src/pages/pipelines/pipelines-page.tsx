import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function PipelinesPage() {
  return (
    <>
      <PageHeader title="Pipelines" />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
