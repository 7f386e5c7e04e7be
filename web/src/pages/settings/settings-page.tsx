import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function SettingsPage() {
  return (
    <>
      <PageHeader title="Settings" />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
