import { queryOptions } from '@tanstack/react-query';
import { listPipelineActions, type ActionRelation } from '#sdk';
import { nextLook } from './running.ts';

/** So many of the newest runs are counted. */
export const counted = 50;

export function latestRunsQuery(pipelineId: number) {
  return queryOptions({
    queryKey: ['pipeline-actions', pipelineId, 'latest'],
    queryFn: ({ signal }) =>
      listPipelineActions({ path: { pipeline_id: pipelineId }, query: { per_page: counted }, signal }),
    refetchInterval: ({ state }) => nextLook(state.data),
  });
}

type RunFigures = {
  completed: number;
  failed: number;
  /** 0 to 1; null without a run that has ended. */
  successRate: number | null;
  /** Of those that completed, in ms. */
  medianMs: number | null;
};

/** Skipped runs have neither succeeded nor failed. */
export function figuresOf(runs: ActionRelation[]): RunFigures {
  const completed = runs.filter(({ status }) => status === 'completed');
  const failed = runs.filter(({ status }) => status === 'failed').length;
  const ended = completed.length + failed;
  const times = completed.flatMap((run) => durationOf(run) ?? []).toSorted((a, b) => a - b);
  const middle = Math.floor(times.length / 2);
  const medianMs =
    times.length === 0
      ? null
      : times.length % 2 === 1
        ? times[middle]!
        : (times[middle - 1]! + times[middle]!) / 2;
  return {
    completed: completed.length,
    failed,
    successRate: ended === 0 ? null : completed.length / ended,
    medianMs,
  };
}

/** In ms; null for one that never started or goes on. */
export function durationOf({ started_at, completed_at }: ActionRelation): number | null {
  return started_at && completed_at ? Date.parse(completed_at) - Date.parse(started_at) : null;
}
