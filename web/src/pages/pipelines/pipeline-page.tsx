import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { getPipeline } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { PipelineEditor } from './pipeline-editor.tsx';

export function PipelinePage() {
  const { pipelineId } = useParams({ from: '/shell/pipelines/$pipelineId' });
  const id = Number(pipelineId);
  const { data, error, refetch } = useQuery({
    queryKey: ['pipeline', id],
    queryFn: ({ signal }) => getPipeline({ path: { pipeline_id: id }, signal }),
  });
  if (data) return <PipelineEditor key={id} pipeline={data} />;
  if (!error) return <PagePending />;
  return (
    <>
      <PageHeader title="Pipeline" id={pipelineId} crumbs={[{ label: 'Pipelines', to: '/pipelines' }]} />
      <ErrorNotice error={error} onRetry={() => void refetch()} />
    </>
  );
}
