import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function ServerPage() {
  const { serverId } = useParams({ from: '/shell/servers/$serverId' });
  return (
    <>
      <PageHeader title="Server" id={serverId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
