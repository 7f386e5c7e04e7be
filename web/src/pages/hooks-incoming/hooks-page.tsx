import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function HooksPage() {
  return (
    <>
      <PageHeader title="Hooks" />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
