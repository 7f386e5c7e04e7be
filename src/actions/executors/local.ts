import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../platform/clock.ts';
import { TargetUnusable, type Executor, type StepOutcome, type StepRun } from './executor.ts';
import { endRecordedGroups, groupFile, recordedRuns, recordGroup, scriptName } from './process-groups.ts';
import { endProcesses, findProcesses, findValues, groupIsAlive, signalGroup } from './processes.ts';

/** Between TERM and KILL. */
const graceMs = 10_000;

/** How long the output of a step that has ended may stay open without giving anything. */
const heldOpenMs = 1000;
/** And how long it is read on in any case: what is left in a pipe is little. */
const longestReadMs = 10_000;

/** The variable that marks the processes of a run; `processes.ts` looks for it. */
const runIdVariable = 'HOOKLINE_RUN_ID';

/** Runs steps on the machine that Hookline runs on, as its own user, each in a process group of its own. */
export function createLocalExecutor(options: { scriptDirectory: string; clock: Clock }): Executor {
  const { clock } = options;
  mkdirSync(options.scriptDirectory, { recursive: true, mode: 0o700 });
  return {
    async run(step) {
      const me = userInfo().username;
      if (step.runAsUser !== '' && step.runAsUser !== me) {
        throw new TargetUnusable(
          `The target local runs steps as ${me}; it cannot run them as ${step.runAsUser}.`,
        );
      }
      // A file rather than an argument: what a step does is nothing that other users of the machine should read.
      const script = join(options.scriptDirectory, scriptName(step.runId));
      try {
        // Two small writes: waiting for a pool thread would take longer than they do.
        mkdirSync(step.workingDirectory, { recursive: true, mode: 0o700 });
        writeFileSync(script, step.script, { mode: 0o600 });
      } catch (cause) {
        throw new TargetUnusable(`its folder cannot be used: ${(cause as Error).message}.`, { cause });
      }
      try {
        return await runScript(step, script, clock);
      } finally {
        await rm(script, { force: true });
        await rm(groupFile(script), { force: true });
      }
    },
    async endRun(runId) {
      await endRecordedGroups(options.scriptDirectory, runId);
      await endProcesses(`${runIdVariable}=${runId}`, clock);
    },
    async findRuns() {
      const runs = [...(await findValues(runIdVariable)), ...(await recordedRuns(options.scriptDirectory))];
      return [...new Set(runs)];
    },
  };
}

async function runScript(step: StepRun, script: string, clock: Clock): Promise<StepOutcome> {
  if (step.signal.aborted) return { kind: 'cancelled' };
  // The outer shell makes one pipe of both outputs, which keeps their order, and then becomes bash.
  const bash = ['bash', '--noprofile', '--norc', '-eo', 'pipefail', script];
  const child = start('/bin/sh', ['-c', 'exec "$@" 2>&1', 'sh', ...bash], {
    cwd: step.workingDirectory,
    env: { ...step.environment, [runIdVariable]: step.runId },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  recordGroup(script, child.pid);
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', (cause) => reject(cannotStart(cause)));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const progress: Progress = { chunks: 0 };
  const reading = readOutput(child, step, progress);
  const ended = new AbortController();
  const stop = stopOnRequest(child, step, clock, ended.signal);
  try {
    const { code, signal } = await exited;
    ended.abort();
    const stopped = await stop;
    await endLeftovers(child, step, clock, progress);
    await reading;
    if (stopped) return { kind: stopped };
    return code === null ? { kind: 'signalled', signal: signal ?? 'unknown' } : { kind: 'exited', code };
  } catch (error) {
    ended.abort();
    await reading;
    throw error;
  }
}

/** Some failures are thrown at once (an environment too large for the system), others are an event. */
function start(...given: Parameters<typeof spawn>): ChildProcess {
  try {
    return spawn(...given);
  } catch (cause) {
    throw cannotStart(cause);
  }
}

function cannotStart(cause: unknown): TargetUnusable {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TargetUnusable(`the shell could not be started: ${why}.`, { cause });
}

type Progress = { chunks: number };

async function readOutput(child: ChildProcess, step: StepRun, progress: Progress): Promise<void> {
  if (!child.stdout) return;
  const decoder = new TextDecoder();
  try {
    for await (const chunk of child.stdout) {
      progress.chunks++;
      await step.onOutput(decoder.decode(chunk as Buffer, { stream: true }));
    }
  } catch {
    // The pipe was closed under us when leftovers were ended; what came before has been given.
  }
  const rest = decoder.decode();
  if (rest) await step.onOutput(rest);
}

/** Waits for the end, the timeout or a cancel, whichever comes first, and says which of the latter two it was. */
async function stopOnRequest(
  child: ChildProcess,
  step: StepRun,
  clock: Clock,
  ended: AbortSignal,
): Promise<'timed-out' | 'cancelled' | null> {
  await clock.sleep(step.timeoutMs, AbortSignal.any([ended, step.signal]));
  if (ended.aborted || child.pid === undefined) return null;
  const why = step.signal.aborted ? 'cancelled' : 'timed-out';
  signalGroup(child.pid, 'SIGTERM');
  await clock.sleep(graceMs, ended);
  await endRunNow(child.pid, step, clock);
  return why;
}

async function endRunNow(group: number, step: StepRun, clock: Clock): Promise<void> {
  signalGroup(group, 'SIGKILL');
  await endProcesses(`${runIdVariable}=${step.runId}`, clock);
}

/**
 * A script may leave processes in the background, in its group or in a session of their own; they are ended, and the
 * log says so. What then still holds the output open cannot be found (it has cleared its environment): it is not waited for.
 */
async function endLeftovers(
  child: ChildProcess,
  step: StepRun,
  clock: Clock,
  progress: Progress,
): Promise<void> {
  const { pid, stdout } = child;
  if (pid === undefined || !stdout) return;
  const marker = `${runIdVariable}=${step.runId}`;
  if (groupIsAlive(pid) || (await findProcesses(marker, { startedAfter: pid })).length > 0) {
    await step.onOutput('\n[hookline] the step left processes in the background; ending them\n');
    signalGroup(pid, 'SIGTERM');
    await endRunNow(pid, step, clock);
  }
  const closed = new AbortController();
  stdout.once('close', () => closed.abort());
  if (stdout.closed) return;
  const deadline = clock.now() + longestReadMs;
  for (let seen = -1; clock.now() < deadline && (seen !== progress.chunks || stdout.readableLength > 0);) {
    seen = progress.chunks;
    await clock.sleep(heldOpenMs, closed.signal);
    if (closed.signal.aborted) return;
  }
  stdout.destroy();
}
