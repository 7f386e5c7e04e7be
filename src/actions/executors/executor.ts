import { RunEnded } from '../run-ended.ts';

/**
 * The contract of whatever runs a step on a target. One suite tests every executor against it.
 */
export type Executor = {
  /**
   * Runs a bash script and resolves when it and everything it started has ended and all output was given. Never
   * rejects for what the script does; rejects with TargetUnusable when the target cannot be used, or was lost.
   */
  run(step: StepRun): Promise<StepOutcome>;
};

export type StepRun = {
  /** Names the processes of the run, so that they can be found again after a crash. */
  runId: string;
  script: string;
  /** Beside what every process has: PATH, HOME, USER, LOGNAME, SHELL and LANG of the user it runs as. Nothing of the server's own is added. */
  environment: Record<string, string>;
  /** Variables that hold a path; a leading `~/` stands for the home of the user it runs as. */
  paths: Record<string, string>;
  /** Made when it is not there; may begin with `~/`. */
  workingDirectory: string;
  /** Of the folder, when it is made; for its user alone if left out. */
  directoryMode?: '700' | '755';
  /** Set for a folder of this run alone: when it is made, those beside it that are older than so many days are removed. */
  keepSiblingsDays?: number | null;
  /** Empty for the user that the target is used as. */
  runAsUser: string;
  timeoutMs: number;
  /** Aborting it ends the whole process group: TERM, then KILL. */
  signal: AbortSignal;
  /** Output as it comes, standard output and error in one. Awaited: a slow reader slows the script. */
  onOutput(text: string): Promise<void> | void;
};

/** The code of a script that a signal has ended is 128 and the signal's number, as shells have it. */
export type StepOutcome = { kind: 'exited'; code: number } | { kind: 'timed-out' } | { kind: 'cancelled' };

/** The target cannot run a step, or was lost while it did; the message says why. */
export class TargetUnusable extends Error {
  override name = 'TargetUnusable';
}

/** Between TERM and KILL. */
export const graceMs = 10_000;
/**
 * The same when the node has lost its action. Together with the time in which it notices (`platform/node-lease.ts`) it
 * is below the lease: when another node may say what became of the action, nothing of it runs any more.
 */
export const lostGraceMs = 3000;

/** How long what runs may take to end, once `signal` was aborted or the time was up. */
export function graceAfter(signal: AbortSignal): number {
  return signal.reason instanceof RunEnded && signal.reason.reason === null ? lostGraceMs : graceMs;
}

/** The variable that marks the processes of a run. */
export const runIdVariable = 'HOOKLINE_RUN_ID';

export const leftoversNotice = '\n[hookline] the step left processes in the background; ending them\n';

/** Where programs are looked for. */
export const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What every script begins under. */
export const bashOptions = '-eo pipefail';
