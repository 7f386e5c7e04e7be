import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function FirstStepsPage() {
  return (
    <>
      <PageHeader title="First steps" />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
