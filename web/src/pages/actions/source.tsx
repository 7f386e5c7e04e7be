import { Anchor, Code, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { getPipeline, type Action } from '#sdk';
import { CopyButton } from '../../components/copy.tsx';
import { Icon } from '../../components/icon.tsx';
import { Time } from '../../components/time.tsx';
import { sourceOf } from './describe.ts';
import classes from './action-page.module.css';

const deployments = { deploy: 'Deployment', redeploy: 'Deployment once more', rollback: 'Rollback' };

/** What was run, and with which code. */
export function Source({ action }: { action: Action }) {
  const { action_data: data, resource, pipeline_id } = action;
  const { data: pipeline } = useQuery({
    queryKey: ['pipeline', pipeline_id],
    queryFn: ({ signal }) => getPipeline({ path: { pipeline_id: pipeline_id ?? 0 }, signal }),
    enabled: pipeline_id !== null,
  });
  const isApplication = resource.type === 'application';
  const name = resource.data?.name ?? `${resource.type_human_readable} ${resource.id} (deleted)`;
  const source = sourceOf(action);
  return (
    <section className={classes['card']} aria-labelledby="source">
      <Title order={2} size="h4" mb="sm" id="source">
        What it ran
      </Title>
      <dl className={classes['facts']}>
        <dt>{resource.type_human_readable}</dt>
        <dd>
          {resource.data === null ? (
            name
          ) : (
            <Anchor
              inherit
              renderRoot={(props) =>
                isApplication ? (
                  <Link
                    to="/applications/$applicationId"
                    params={{ applicationId: String(resource.id) }}
                    {...props}
                  />
                ) : (
                  <Link to="/servers/$serverId" params={{ serverId: String(resource.id) }} {...props} />
                )
              }
            >
              {name}
            </Anchor>
          )}
        </dd>
        <dt>Pipeline</dt>
        <dd>
          {pipeline_id === null ? (
            <Text span inherit c="dimmed">
              Deleted
            </Text>
          ) : (
            <Anchor
              inherit
              renderRoot={(props) => (
                <Link to="/pipelines/$pipelineId" params={{ pipelineId: String(pipeline_id) }} {...props} />
              )}
            >
              {pipeline?.name ?? `Pipeline ${pipeline_id}`}
            </Anchor>
          )}
        </dd>
        {data ? (
          <>
            <dt>Kind</dt>
            <dd>
              {deployments[data.deployment.type]} of {data.deployment.source_type}{' '}
              <Code>{data.deployment.source_ref.replace(/^refs\/(heads|tags)\//, '')}</Code>
            </dd>
            <dt>Commit</dt>
            <dd>
              {isWebAddress(data.commit.url) ? (
                <Anchor inherit href={data.commit.url} target="_blank" rel="noreferrer">
                  <Code>{data.commit.hash.slice(0, 12)}</Code> <Icon name="external" size={12} />
                </Anchor>
              ) : (
                <Code>{data.commit.hash.slice(0, 12)}</Code>
              )}
              <CopyButton value={data.commit.hash} what="the commit" />
              <div>{data.commit.message.split('\n')[0]}</div>
              <Text size="xs" c="dimmed">
                {data.commit.author_name}, <Time at={data.commit.committed_at} />
              </Text>
            </dd>
            <dt>Release</dt>
            <dd>
              <Code>{data.release_name}</Code>
            </dd>
          </>
        ) : (
          source && (
            <>
              <dt>Source</dt>
              <dd>
                <Code>{source}</Code>
              </dd>
            </>
          )
        )}
      </dl>
    </section>
  );
}

/** It comes from outside, so it may be anything. */
function isWebAddress(url: string): boolean {
  return /^https?:\/\//.test(url);
}
