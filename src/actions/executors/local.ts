import { spawn } from 'node:child_process';
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../platform/clock.ts';
import {
  bashOptions,
  graceAfter,
  leftoversNotice,
  runIdVariable,
  searchPath,
  TargetUnusable,
  type Executor,
  type StepOutcome,
  type StepRun,
} from './executor.ts';
import { exportsOf, quote } from './bash-text.ts';
import { CannotLaunch, createLauncher, type Launcher } from './launcher.ts';
import { endRecordedGroups, groupFile, recordedRuns, scriptName } from './process-groups.ts';
import { endProcesses, findProcesses, findValues, groupIsRunning, signalGroup } from './processes.ts';
import { readOutput } from './read-output.ts';
import { createSupervisor, type Channel } from './supervised.ts';
import { limitCommands, type StepLimits } from './step-limits.ts';
import { supervisorCode, supervisorCommand, supervisorTimes, type SupervisorTimes } from './supervisor.ts';

const settleMs = 100;
const settleLooks = 5;

export type LocalExecutor = Executor & {
  /** Ends whatever still runs under a run id, also what another process of ours once started. Safe to repeat. */
  endRun(runId: string): Promise<void>;
  /** The run ids of all processes on the machine that bear one, of any installation of Hookline. */
  findRuns(): Promise<string[]>;
  /** Whether steps that name no user run as somebody else than Hookline itself. */
  runsAsAnother: boolean;
};

/**
 * Runs steps on the machine that Hookline runs on, each in a process group of its own: as Hookline's own user, as the
 * user of the step, or as `user` where the step names none.
 */
export function createLocalExecutor(options: {
  scriptDirectory: string;
  clock: Clock;
  user?: string | null;
  limits?: StepLimits;
  /** Of steps that run as another user. */
  times?: SupervisorTimes;
}): LocalExecutor {
  const { clock, scriptDirectory, times = supervisorTimes } = options;
  const me = userInfo().username;
  const limits = limitCommands(options.limits ?? {});
  const launcher = createLauncher({ directory: scriptDirectory, clock });
  return {
    runsAsAnother: Boolean(options.user && options.user !== me),
    async run(given) {
      const step = { ...given, runAsUser: given.runAsUser || (options.user ?? me) };
      if (step.runAsUser !== me) {
        const channel = startChannel(supervisorCommand(step.runAsUser, supervisorCode(times)));
        const supervisor = createSupervisor(channel, times);
        const lost = () => 'the program that watches over the step was ended from outside.';
        return await supervisor.run(step, { clock, prelude: limits, lost }).finally(supervisor.close);
      }
      // A file rather than an argument: what a step does is nothing that other users of the machine should read.
      const script = join(scriptDirectory, scriptName(step.runId));
      const workingDirectory = expand(step.workingDirectory);
      try {
        // Two small writes: waiting for a pool thread would take longer than they do.
        mkdirSync(workingDirectory, { recursive: true, mode: step.directoryMode === '755' ? 0o755 : 0o700 });
        mkdirSync(scriptDirectory, { recursive: true, mode: 0o700 });
        writeFileSync(script, step.script, { mode: 0o600 });
      } catch (cause) {
        throw new TargetUnusable(`its folder cannot be used: ${(cause as Error).message}.`, { cause });
      }
      try {
        return await runScript({ ...step, workingDirectory }, { script, limits, clock, me, launcher });
      } catch (cause) {
        throw cause instanceof CannotLaunch ? cannotStart(cause) : cause;
      } finally {
        remove(script);
        remove(groupFile(script));
      }
    },
    async endRun(runId) {
      await endRecordedGroups(scriptDirectory, runId);
      await endProcesses(`${runIdVariable}=${runId}`, clock);
    },
    async findRuns() {
      const runs = [...(await findValues(runIdVariable)), ...(await recordedRuns(scriptDirectory))];
      return [...new Set(runs)];
    },
  };
}

/** As small as the writes. What is left lying about harms nobody; why it cannot be removed is nothing the step should fail with. */
function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // It is not there, since the shell could not be started; or its folder is gone.
  }
}

function expand(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

/** A shell for a supervisor, which itself becomes another user. */
function startChannel(command: string): Channel {
  const child = spawn('/bin/bash', ['--noprofile', '--norc', '-c', command], {
    cwd: '/',
    env: { PATH: searchPath, HOME: homedir(), LANG: 'C.UTF-8' },
    detached: true,
    stdio: 'pipe',
  });
  const { stdin, stdout, stderr } = child;
  const ended = new Promise<{ code: number } | null>((resolve, reject) => {
    child.once('error', (cause) => reject(cannotStart(cause)));
    child.once('exit', (code) => resolve(code === null ? null : { code }));
  });
  return {
    stdin,
    stdout,
    stderr,
    ended,
    close: () => [stdin, stdout, stderr].forEach((stream) => stream.destroy()),
  };
}

async function runScript(
  step: StepRun,
  { script, limits, clock, me, launcher }: Surroundings & { script: string },
): Promise<StepOutcome> {
  if (step.signal.aborted) return { kind: 'cancelled' };
  const { pid, output, exited } = await launcher.launch(
    setupOf(step, { script, limits, me }),
    groupFile(script),
  );
  const reader = readOutput(output, step.onOutput, clock);
  const ended = new AbortController();
  const stop = stopOnRequest(pid, step, clock, ended.signal);
  try {
    const code = await exited;
    ended.abort();
    const stopped = await stop;
    await endLeftovers(pid, step, { clock, known: launcher.known() });
    await reader.closeHeldOpen();
    await reader.done;
    if (stopped) return { kind: stopped };
    if (code === null)
      throw new TargetUnusable('the program that watches over the step was ended from outside.');
    return { kind: 'exited', code };
  } catch (error) {
    ended.abort();
    await reader.done;
    throw error;
  }
}

type Surroundings = { limits: string; clock: Clock; me: string; launcher: Launcher };

/** What a shell reads to become the step. */
function setupOf(
  step: StepRun,
  { script, limits, me }: { script: string; limits: string; me: string },
): string {
  const environment = {
    PATH: searchPath,
    HOME: homedir(),
    USER: me,
    LOGNAME: me,
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    ...step.environment,
    ...Object.fromEntries(Object.entries(step.paths).map(([name, path]) => [name, expand(path)])),
    [runIdVariable]: step.runId,
  };
  mustFit(environment);
  const exports = exportsOf({ environment, paths: {} }).map(({ command }) => command);
  const become = `exec bash --noprofile --norc ${bashOptions} ${quote(script)} 3>&-`;
  return [
    `cd -- ${quote(step.workingDirectory)}`,
    'unset OLDPWD SHLVL HOOKLINE_PIPES',
    ...exports,
    ...(limits ? [limits] : []),
    become,
  ].join(' &&\n');
}

/** What Linux hands to a program, in bytes: each variable, and all of them where the stack is not limited further. */
const mostOfOne = 128 * 1024 - 1;
const mostOfAll = 2 * 1024 * 1024 - 64 * 1024;

/** The shell that becomes the step could only fail with a number. */
function mustFit(environment: Record<string, string>): void {
  let all = 0;
  for (const [name, value] of Object.entries(environment)) {
    const bytes = Buffer.byteLength(value) + name.length + 2;
    all += bytes + 8;
    if (bytes > mostOfOne) {
      throw new CannotLaunch(`the variable ${name} has ${bytes} bytes, the system takes ${mostOfOne}`);
    }
  }
  if (all > mostOfAll) {
    throw new CannotLaunch(`its variables have ${all} bytes, the system takes ${mostOfAll}`);
  }
}

function cannotStart(cause: unknown): TargetUnusable {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TargetUnusable(`the shell could not be started: ${why}.`, { cause });
}

/** Waits for the end, the timeout or a cancel, whichever comes first, and says which of the latter two it was. */
async function stopOnRequest(
  pid: number,
  step: StepRun,
  clock: Clock,
  ended: AbortSignal,
): Promise<'timed-out' | 'cancelled' | null> {
  await clock.sleep(step.timeoutMs, AbortSignal.any([ended, step.signal]));
  if (ended.aborted) return null;
  const why = step.signal.aborted ? 'cancelled' : 'timed-out';
  signalGroup(pid, 'SIGTERM');
  await clock.sleep(graceAfter(step.signal), ended);
  await endRunNow(pid, step, clock);
  return why;
}

async function endRunNow(group: number, step: StepRun, clock: Clock): Promise<void> {
  signalGroup(group, 'SIGKILL');
  await endProcesses(`${runIdVariable}=${step.runId}`, clock);
}

/** A script may leave processes in the background, in its group or in a session of their own; they are ended, and the log says so. */
async function endLeftovers(
  pid: number,
  step: StepRun,
  { clock, known }: { clock: Clock; known: ReadonlySet<number> },
): Promise<void> {
  const marker = `${runIdVariable}=${step.runId}`;
  const isLeft = async () =>
    (await groupIsRunning(pid)) ||
    (await findProcesses(marker, { startedAfter: pid, groups: known })).length > 0;
  // What is about to end by itself was not left behind.
  for (let look = 0; look < settleLooks; look++) {
    if (!(await isLeft())) return;
    await clock.sleep(settleMs);
  }
  if (!(await isLeft())) return;
  await step.onOutput(leftoversNotice);
  signalGroup(pid, 'SIGTERM');
  await endRunNow(pid, step, clock);
}
