import { constants } from 'node:os';
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import type { EgressGuard } from '../platform/egress-guard.ts';
import { createMasker } from '../platform/mask-secrets.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { createBarrier, type Barrier } from './barrier.ts';
import type { EventWriter } from './events.ts';
import { TargetUnusable, type StepOutcome, type StepRun } from './executors/executor.ts';
import { prepareRun, type Prepared } from './prepare-run.ts';
import { createReleaseRun, isReleaseStep, type ReleaseRun } from './releases/release-run.ts';
import { RunEnded } from './run-ended.ts';
import { createRunRecord, type OnWritten, type RunRecord } from './run-record.ts';
import type { ActionStepRow, TargetRow } from './store.ts';
import type { ClaimedAction } from './claim-action.ts';
import { openTarget, type TargetContext } from './targets.ts';

export type RunContext = TargetContext & {
  connection: Connection;
  writer: EventWriter;
  clock: Clock;
  box: SecretBox;
  log: Logger;
  guard: EgressGuard;
  /** Whether what was claimed under this id may still be begun. */
  holds: (nodeId: string) => boolean;
  onWritten: OnWritten;
};

/**
 * Runs a claimed action to its end: targets side by side, the steps of each in order. A failing step fails its
 * target and skips the steps after it; a failed target fails the action. Aborting `signal`, with a RunEnded as the
 * reason, ends what runs; with the sentence of that reason the action is failed.
 */
export async function runAction(
  context: RunContext,
  claimed: ClaimedAction,
  nodeId: string,
  signal: AbortSignal,
): Promise<void> {
  const { action, runId, targets, timeoutSeconds } = claimed;
  const { clock } = context;
  const timeout = new AbortController();
  /** What cannot be recorded is not run on. */
  const broken = new AbortController();
  const either = AbortSignal.any([signal, timeout.signal, broken.signal]);
  const ended = new AbortController();
  void clock.sleep(timeoutSeconds * 1000, ended.signal).then(() => {
    if (!ended.signal.aborted) timeout.abort(new RunEnded(tookTooLong('The action', timeoutSeconds)));
  });
  const record = createRunRecord(context, action, { nodeId, signal, targets: targets.length });
  const breakOff = () => broken.abort(new RunEnded(null));
  try {
    const prepared = await prepareRun(context, claimed);
    const release = prepared.release
      ? createReleaseRun({ ...context, record, prepared: prepared.release, targets: targets.length })
      : null;
    const barrier = createBarrier(targets.length);
    const run: Run = { context, record, runId, nodeId, prepared, release, barrier, signal: either, breakOff };
    const reasons = await allToTheirEnd(
      targets.map((target) => runTarget(run, target)),
      breakOff,
    );
    if (isLost(either)) return;
    const failures = reasons.filter((reason) => reason !== null);
    const isEnded = either.aborted ? [reasonOf(either)] : [];
    const noSteps = targets.every(({ steps }) => steps.length === 0);
    if (failures.length > 0 || isEnded.length > 0) {
      const all = [...new Set([...isEnded, ...failures])];
      // Each target repeats the reason of the whole; the action tells it once.
      await record.endAction('failed', isEnded.length > 0 ? isEnded[0]! : all.join(' '));
    } else
      await record.endAction('completed', noSteps ? 'Completed: its pipeline has no steps.' : 'Completed.');
  } finally {
    ended.abort();
  }
}

type Run = {
  context: RunContext;
  record: RunRecord;
  runId: string;
  nodeId: string;
  prepared: Prepared;
  release: ReleaseRun | null;
  /** Where the targets wait for each other before anything goes live. */
  barrier: Barrier;
  signal: AbortSignal;
  /** Ends it on all targets, and writes nothing more. */
  breakOff: () => void;
};

/** Waits for all, also when one has failed: whoever goes on must not be left alone. */
async function allToTheirEnd<T>(work: Promise<T>[], onFailure: () => void): Promise<T[]> {
  for (const one of work) one.catch(onFailure);
  await Promise.allSettled(work);
  return await Promise.all(work);
}

function isLost(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof RunEnded && signal.reason.reason === null;
}

function reasonOf(signal: AbortSignal): string {
  return (signal.reason instanceof RunEnded && signal.reason.reason) || 'It was ended.';
}

/** Returns why the target failed, or null. */
async function runTarget(
  run: Run,
  { row, steps }: { row: TargetRow; steps: ActionStepRow[] },
): Promise<string | null> {
  const { record, release, barrier, signal } = run;
  const target = await openTarget(run.context, row);
  const place = release?.at(target) ?? null;
  let isLive = false;
  for (const [index, step] of steps.entries()) {
    const rest = steps.slice(index + 1);
    if (step.kind === 'activate') {
      const other = await barrier.arrive(signal);
      if (other !== null && !signal.aborted) {
        await record.skipTarget(row, [step, ...rest], `Not activated: ${other}`);
        return null;
      }
    }
    const failure = await runStep(run, step, target, place);
    if (isLost(signal)) return null;
    if (failure) {
      const reason = isLive ? `${failure.reason} The release is live already.` : failure.reason;
      barrier.leave(reason);
      await record.failTarget(row, step, rest, { ...failure, reason });
      return reason;
    }
    isLive ||= step.kind === 'activate';
    const next = steps[index + 1];
    if (next) await record.completeStep(step, next);
  }
  barrier.leave(null);
  await record.completeTarget(row, steps.at(-1) ?? null);
  return null;
}

type StepFailure = { exitCode: number | null; reason: string };
type Target = Awaited<ReturnType<typeof openTarget>>;

async function runStep(
  run: Run,
  step: ActionStepRow,
  target: Target,
  place: ReturnType<ReleaseRun['at']> | null,
): Promise<StepFailure | null> {
  const { prepared, signal } = run;
  // As after the machine was suspended, before the loss of the lease was noticed: others may have gone on already.
  if (!run.context.holds(run.nodeId)) run.breakOff();
  if (signal.aborted) return { exitCode: null, reason: reasonOf(signal) };
  const label = `Step ${step.step_order}${step.name ? ` "${step.name}"` : ''} on ${target.hostname}`;
  const output = run.record.openOutput(step, prepared.secrets);
  const stepRun: StepRun = {
    // Two servers may be one machine, where a step that ends must not take those of the other target for its leftovers.
    runId: target.isLocal ? run.runId : `${run.runId}-${step.target_id}`,
    script: step.command,
    environment: {
      ...prepared.environment,
      HOOKLINE_STEP: String(step.step_order),
      HOOKLINE_TARGET: target.hostname,
    },
    paths: { HOOKLINE_RELEASE_DIR: target.workspace(prepared.actionId) },
    workingDirectory: target.workspace(prepared.actionId),
    keepSiblingsDays: target.workspaceDays,
    runAsUser: step.run_as_user,
    timeoutMs: step.timeout_seconds * 1000,
    signal,
    onOutput: async (text) => {
      try {
        await output.write(text);
      } catch (error) {
        run.breakOff();
        throw error;
      }
    },
  };
  try {
    const outcome = await (place
      ? isReleaseStep(step.kind)
        ? place.runOwn(step.kind, stepRun)
        : place.run(stepRun)
      : target.executor.run(stepRun));
    await output.end();
    return explain(outcome, { label, step, signal });
  } catch (error) {
    if (!(error instanceof TargetUnusable)) throw error;
    await output.end();
    if (signal.aborted) return { exitCode: null, reason: reasonOf(signal) };
    // What a server says may hold what it was given.
    const reason = createMasker(prepared.secrets)(`${label}: ${error.message}`);
    return { exitCode: null, reason };
  }
}

function explain(
  outcome: StepOutcome,
  { label, step, signal }: { label: string; step: ActionStepRow; signal: AbortSignal },
): StepFailure | null {
  switch (outcome.kind) {
    case 'exited':
      return outcome.code === 0
        ? null
        : { exitCode: outcome.code, reason: `${label} ${howItExited(outcome.code)}.` };
    case 'timed-out':
      return { exitCode: null, reason: tookTooLong(label, step.timeout_seconds) };
    case 'cancelled':
      return { exitCode: null, reason: reasonOf(signal) };
    default:
      return outcome satisfies never;
  }
}

function howItExited(code: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal ? `was ended by ${signal} (exit code ${code})` : `exited with code ${code}`;
}

function tookTooLong(what: string, seconds: number): string {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second'];
  const time = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return `${what} took longer than ${time} and was ended.`;
}
