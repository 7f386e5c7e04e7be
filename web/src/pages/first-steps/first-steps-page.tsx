import { Anchor, Button, Group, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import {
  getApplication,
  getHook,
  getPipeline,
  listHookRequestsByHookType,
  type Application,
  type Hook,
  type Pipeline,
} from '#sdk';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { usePlace } from '../../shell/place.tsx';
import { Arrivals } from './arrivals.tsx';
import { HookStep } from './hook-step.tsx';
import { HostSettings } from './host-settings.tsx';
import { hostOf, isHost, type HostCode } from './hosts.ts';
import { PipelineStep } from './pipeline-step.tsx';
import { useProgress } from './progress.ts';
import { RepositoryStep } from './repository-step.tsx';
import { StatusStep } from './status-step.tsx';
import { StepCard, type StepState } from './step-card.tsx';
import classes from './first-steps.module.css';

/** From an installation with nothing in it to a run that a push has started, and whose status stands at its commit. */
export function FirstStepsPage() {
  const { environment, isPending, error } = usePlace();
  const [progress, setProgress] = useProgress();
  const made = useMade(progress);
  // The secret of the hook that was made here and now; it stands in no address and no store.
  const [fresh, setFresh] = useState<FreshSecret | null>(null);
  const begun = progress.application !== '';
  return (
    <>
      <PageHeader
        title="First steps"
        description="From a push to a run, in five steps. What you have made is kept: the address of this page leads back to here."
      >
        {begun && (
          <Button
            variant="default"
            onClick={() => setProgress({ application: '', pipeline: '', hook: '', status: '' })}
          >
            Begin anew
          </Button>
        )}
      </PageHeader>
      {error ? (
        <ErrorNotice error={error} />
      ) : made.error ? (
        <ErrorNotice error={made.error} onRetry={made.retry} />
      ) : isPending || made.isPending ? (
        <PagePending />
      ) : environment ? (
        <Steps environmentId={environment.id} made={made} fresh={fresh} onFresh={setFresh} />
      ) : (
        <EmptyState
          title="There is no environment that you may see"
          icon="rocket"
          text="Ask an administrator of your organization for a role in one."
        />
      )}
    </>
  );
}

type FreshSecret = { hookId: string; secret: string };
type Made = { application?: Application; pipeline?: Pipeline; hook?: Hook };

/** What the ids of the address stand for. */
function useMade({ application, pipeline, hook }: { application: string; pipeline: string; hook: string }) {
  const applications = useQuery({
    queryKey: ['application', Number(application)],
    queryFn: ({ signal }) => getApplication({ path: { application_id: Number(application) }, signal }),
    enabled: application !== '',
  });
  const pipelines = useQuery({
    queryKey: ['pipeline', Number(pipeline)],
    queryFn: ({ signal }) => getPipeline({ path: { pipeline_id: Number(pipeline) }, signal }),
    enabled: pipeline !== '',
  });
  const hooks = useQuery({
    queryKey: ['hook', hook],
    queryFn: ({ signal }) => getHook({ path: { hook_type: 'incoming', hook_id: hook }, signal }),
    enabled: hook !== '',
  });
  const all = [applications, pipelines, hooks];
  return {
    ...(application && applications.data ? { application: applications.data } : {}),
    ...(pipeline && pipelines.data ? { pipeline: pipelines.data } : {}),
    ...(hook && hooks.data ? { hook: hooks.data } : {}),
    isPending: all.some(({ isLoading }) => isLoading),
    error: all.find(({ error }) => error)?.error ?? null,
    retry: () => all.forEach((query) => query.isError && void query.refetch()),
  };
}

type StepsProps = {
  environmentId: number;
  made: Made;
  fresh: FreshSecret | null;
  onFresh: (fresh: FreshSecret) => void;
};

function Steps({ environmentId, made, fresh, onFresh }: StepsProps) {
  const { application, pipeline, hook } = made;
  const [progress, setProgress] = useProgress();
  const queryClient = useQueryClient();
  const lastAction = useLastAction(hook);
  const secret = fresh && fresh.hookId === progress.hook ? fresh.secret : null;
  const host: HostCode = presetOf(hook) ?? providerOf(application) ?? 'github';
  const state = (isDone: boolean, isNow: boolean): StepState => (isDone ? 'done' : isNow ? 'now' : 'later');
  const hasRun = lastAction !== null;
  return (
    <ol className={classes['steps']}>
      <StepCard
        number={1}
        title="Connect a repository"
        state={state(application !== undefined, true)}
        sentence="Say which repository it is, and give a token if Hookline is to fetch, install and report for you."
        summary={
          application && (
            <Anchor renderRoot={(props) => <Link to={`/applications/${application.id}`} {...props} />}>
              {`${application.name}, ${application.repository}`}
            </Anchor>
          )
        }
      >
        {!application && (
          <RepositoryStep
            environmentId={environmentId}
            onDone={(id) => setProgress({ application: String(id), pipeline: '', hook: '', status: '' })}
          />
        )}
      </StepCard>
      <StepCard
        number={2}
        title="Choose a pipeline"
        focusKey={String(application?.id)}
        state={state(pipeline !== undefined, application !== undefined)}
        sentence="Take the template that is nearest, change its scripts as you need, and create it."
        summary={
          pipeline && (
            <Anchor renderRoot={(props) => <Link to={`/pipelines/${pipeline.id}`} {...props} />}>
              {pipeline.name}
            </Anchor>
          )
        }
      >
        {application && !pipeline && (
          <PipelineStep
            applicationId={application.id}
            onDone={(id) => setProgress({ pipeline: String(id), hook: '', status: '' })}
          />
        )}
      </StepCard>
      <StepCard
        number={3}
        title="Set the hook up"
        focusKey={`${pipeline?.id} ${hook?.id}`}
        state={state(hook !== undefined && hasRun, pipeline !== undefined)}
        sentence={
          hook
            ? 'Let Hookline install it, or copy the URL and the secret into the webhook page of the repository.'
            : 'Say which branch counts, and get the URL and the secret.'
        }
        summary={
          hook && (
            <Anchor renderRoot={(props) => <Link to={`/hooks/incoming/${hook.id}`} {...props} />}>
              {hook.name}
            </Anchor>
          )
        }
      >
        {application && pipeline && !hook && (
          <HookStep
            pipelineId={pipeline.id}
            host={host}
            branch={application.default_branch}
            onDone={(added) => {
              onFresh({ hookId: added.id, secret: added.secret });
              queryClient.setQueryData(['hook', added.id], { ...added, secret: '' });
              setProgress({ hook: added.id, status: '' });
            }}
          />
        )}
        {application && hook && (
          <HostSettings
            hook={hook}
            host={host}
            application={application}
            secret={secret}
            onSecret={(text) => onFresh({ hookId: hook.id, secret: text })}
          />
        )}
      </StepCard>
      <StepCard
        number={4}
        title="Send an event, and watch it run"
        state={state(hasRun, hook !== undefined)}
        sentence="Push a commit, or send a test event from here; each request shows up below with what became of it."
      >
        {application && pipeline && hook && (
          <Arrivals
            hook={hook}
            host={host}
            application={application}
            fetches={pipeline.default_steps}
            secret={secret}
          />
        )}
      </StepCard>
      <StepCard
        number={5}
        title="Report the result (if you like)"
        state={state(progress.status !== '', hook !== undefined)}
        sentence="Have each run shown at its commit as a status, by an outgoing hook."
        summary={
          progress.status && (
            <Anchor renderRoot={(props) => <Link to={`/hooks/outgoing/${progress.status}`} {...props} />}>
              Its hook
            </Anchor>
          )
        }
      >
        {application && pipeline && hook && (
          <StatusStep
            pipelineId={pipeline.id}
            host={host}
            application={application}
            statusHook={progress.status}
            lastAction={lastAction}
            onDone={(id) => setProgress({ status: id })}
          />
        )}
      </StepCard>
      {hasRun && (
        <li>
          <Group gap="sm">
            <Button renderRoot={(props) => <Link to="/" {...props} />}>To the overview</Button>
            <Text size="sm" c="dimmed">
              That is all: from now on each push runs the pipeline.
            </Text>
          </Group>
        </li>
      )}
    </ol>
  );
}

/** The last run that the hook has started. */
function useLastAction(hook: Hook | undefined): number | null {
  const id = hook?.id ?? '';
  const { data } = useQuery({
    // The same as that of the list of arrivals, so that it is read once.
    queryKey: ['hook', id, 'requests', 'first'],
    queryFn: ({ signal }) =>
      listHookRequestsByHookType({
        path: { hook_type: 'incoming', hook_id: id },
        query: { per_page: 5 },
        signal,
      }),
    enabled: id !== '',
  });
  return data?.find(({ action_id }) => action_id !== null)?.action_id ?? null;
}

function presetOf(hook: Hook | undefined): HostCode | null {
  return isHost(hook?.preset) ? hook.preset : null;
}

function providerOf(application: Application | undefined): HostCode | null {
  const code = application?.credential?.provider.code;
  return isHost(code) ? code : application ? hostOf(application.repository) : null;
}
