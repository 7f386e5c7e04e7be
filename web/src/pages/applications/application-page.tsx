import { Anchor, Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { getApplication, listPipelinesByResourceType, pages, type Application } from '#sdk';
import { collect } from '../../api/lists.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { RunButton } from '../pipelines/run-button.tsx';
import { ApplicationHooks } from './application-hooks.tsx';
import { ApplicationPipelines } from './application-pipelines.tsx';
import { ApplicationRuns } from './application-runs.tsx';
import { ApplicationSettings } from './application-settings.tsx';
import { ReleasesPanel } from './releases-panel.tsx';

export function ApplicationPage() {
  const { applicationId } = useParams({ from: '/shell/applications/$applicationId' });
  const id = Number(applicationId);
  const { data, error, refetch } = useQuery({
    queryKey: ['application', id],
    queryFn: ({ signal }) => getApplication({ path: { application_id: id }, signal }),
  });
  if (data) return <Shown key={id} application={data} />;
  if (!error) return <PagePending />;
  return (
    <>
      <PageHeader
        title="Application"
        id={applicationId}
        crumbs={[{ label: 'Applications', to: '/applications' }]}
      />
      <ErrorNotice error={error} onRetry={() => void refetch()} />
    </>
  );
}

function Shown({ application }: { application: Application }) {
  const { id, environment_id: environmentId, name, repository, default_branch, servers } = application;
  const [{ tab }, setSearch] = useSearchState({ tab: 'releases' });
  const pipelines = useQuery({
    queryKey: ['application-pipelines', id],
    queryFn: ({ signal }) =>
      collect(
        pages(listPipelinesByResourceType, {
          path: { resource_type: 'application' as const, resource_id: id },
          signal,
        }),
      ),
  });
  const deploying = (pipelines.data ?? []).filter(({ operation }) => operation === 'deploy').toReversed();
  return (
    <>
      <PageHeader
        title={name}
        id={id}
        crumbs={[{ label: 'Applications', to: '/applications' }]}
        description={
          <>
            <Icon name="branch" size={14} /> {repository}, {default_branch}. Runs on{' '}
            {servers.length === 0
              ? 'the machine of Hookline'
              : servers.map((server, index) => (
                  <span key={server.id}>
                    {index > 0 && ', '}
                    <Anchor
                      inherit
                      underline="always"
                      renderRoot={(props) => (
                        <Link to="/servers/$serverId" params={{ serverId: String(server.id) }} {...props} />
                      )}
                    >
                      {server.name}
                    </Anchor>
                  </span>
                ))}
            .
          </>
        }
      >
        {deploying.length > 0 ? (
          <RunButton
            label="Deploy now"
            pipelines={deploying}
            environmentId={environmentId}
            resourceType="application"
            defaultBranch={default_branch}
          />
        ) : (
          pipelines.data && (
            <Button
              leftSection={<Icon name="plus" />}
              renderRoot={(props) => (
                <Link
                  to="/pipelines/new"
                  // Safe: the page reads it from the address.
                  search={{ of: `application-${id}` } as never}
                  {...props}
                />
              )}
            >
              New deploy pipeline
            </Button>
          )
        )}
      </PageHeader>
      <ApplicationRuns applicationId={id} />
      <Tabs value={tab} onChange={(value) => setSearch({ tab: value ?? 'releases' })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="releases">Releases</Tabs.Tab>
          <Tabs.Tab value="pipelines">Pipelines</Tabs.Tab>
          <Tabs.Tab value="hooks">Hooks</Tabs.Tab>
          <Tabs.Tab value="settings">Settings</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="releases">
          <ReleasesPanel application={application} hasPipeline={deploying.length > 0} />
        </Tabs.Panel>
        <Tabs.Panel value="pipelines">
          <ApplicationPipelines
            applicationId={id}
            pipelines={pipelines.data}
            error={pipelines.error}
            retry={() => void pipelines.refetch()}
          />
        </Tabs.Panel>
        <Tabs.Panel value="hooks">
          <ApplicationHooks applicationId={id} />
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <ApplicationSettings application={application} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
