import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function PipelinePage() {
  const { pipelineId } = useParams({ from: '/shell/pipelines/$pipelineId' });
  return (
    <>
      <PageHeader title="Pipeline" id={pipelineId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
