import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function ServersPage() {
  return (
    <>
      <PageHeader title="Servers" />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
