import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function ActionsPage() {
  return (
    <>
      <PageHeader title="Actions" />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
