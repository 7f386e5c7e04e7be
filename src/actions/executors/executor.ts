/**
 * The contract of whatever runs a step on a target. One suite tests every executor against it.
 */
export type Executor = {
  /**
   * Runs a bash script and resolves when it and everything it started has ended and all output was given. Never
   * rejects for what the script does; rejects when the target cannot be used at all.
   */
  run(step: StepRun): Promise<StepOutcome>;
  /** Ends whatever still runs under a run id, also what another process of ours once started. Safe to repeat. */
  endRun(runId: string): Promise<void>;
  /** The run ids of all processes on the target that bear one, of any installation of Hookline. */
  findRuns(): Promise<string[]>;
};

export type StepRun = {
  /** Names the processes of the run, so that they can be found again after a crash. */
  runId: string;
  script: string;
  /** The whole environment; nothing of the server's own is added. */
  environment: Record<string, string>;
  workingDirectory: string;
  runAsUser: string;
  timeoutMs: number;
  /** Aborting it ends the whole process group: TERM, then KILL. */
  signal: AbortSignal;
  /** Output as it comes, standard output and error in one. Awaited: a slow reader slows the script. */
  onOutput(text: string): Promise<void> | void;
};

export type StepOutcome =
  | { kind: 'exited'; code: number }
  | { kind: 'signalled'; signal: string }
  | { kind: 'timed-out' }
  | { kind: 'cancelled' };

/** The target cannot run a step; the message says why. */
export class TargetUnusable extends Error {
  override name = 'TargetUnusable';
}
