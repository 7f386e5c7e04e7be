import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../platform/clock.ts';
import { unlessAborted } from '../../platform/unless-aborted.ts';
import {
  graceAfter,
  graceMs,
  leftoversNotice,
  TargetUnusable,
  type StepOutcome,
  type StepRun,
} from './executor.ts';
import { readOutput } from './read-output.ts';
import {
  beatMs,
  supervisorCommand,
  supervisorInput,
  supervisorTimes,
  type SupervisorTimes,
} from './supervisor.ts';

/** A program that was started somewhere, with its three streams. */
export type Channel = {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** How the program ended; null when that is not known, since the connection was lost. */
  ended: Promise<{ code: number } | null>;
  /** Gives it up, whatever it does. Safe to repeat. */
  close(): void;
};

/** How much longer than its grace the other side may take to end a step. */
const stopMarginMs = 20_000;
const mostErrorCharacters = 2000;
const settleMs = 1000;

/** Runs a step by way of a supervisor (`supervisor.ts`), which `open` starts. `lost` says what a lost connection means. */
export async function runSupervised(
  step: StepRun,
  context: {
    clock: Clock;
    open: (command: string) => Promise<Channel>;
    /** Bash that runs before the script, e.g. `ulimit -u 100`. */
    prelude?: string;
    times?: SupervisorTimes;
    lost: () => string;
  },
): Promise<StepOutcome> {
  if (step.signal.aborted) return { kind: 'cancelled' };
  const { clock, times = supervisorTimes } = context;
  const { text, ...sizes } = supervisorInput(step, context.prelude ?? '', times);
  const channel = await openUnlessAborted(step.signal, context.open(supervisorCommand(step, sizes)));
  if (!channel) return { kind: 'cancelled' };
  const ended = new AbortController();
  try {
    // The other end may be gone; how it ended is what tells.
    channel.stdin.on('error', () => undefined);
    channel.stdin.write(text);
    const control = readControl(channel.stderr, step.runId);
    const begun = afterLine(`hookline-${step.runId} ready`, step.onOutput);
    const output = readOutput(channel.stdout, begun.push, clock);
    const beating = beat(channel.stdin, clock, ended.signal);
    const stopping = stopOnRequest(channel, step, { clock, times }, ended.signal);

    const end = await channel.ended;
    ended.abort();
    await beating;
    const stopped = await stopping;
    await output.closeHeldOpen(channel.close);
    await output.done;
    if (!end) throw new TargetUnusable(context.lost());
    if (stopped) return { kind: stopped };
    await control.settle(clock);
    if (!begun.hasBegun()) throw new TargetUnusable(control.explain(end.code));
    if (control.leftSomething()) await step.onOutput(leftoversNotice);
    return { kind: 'exited', code: end.code };
  } finally {
    ended.abort();
    channel.close();
  }
}

/** Opening may take as long as a server takes to answer; nobody who cancels waits for that. */
async function openUnlessAborted(signal: AbortSignal, opening: Promise<Channel>): Promise<Channel | null> {
  const channel = await unlessAborted(opening, signal);
  if (!channel) {
    opening.then(
      (late) => late.close(),
      () => undefined,
    );
  }
  return channel;
}

async function beat(stdin: Writable, clock: Clock, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await clock.sleep(beatMs, ended);
    if (!ended.aborted) stdin.write('beat\n');
  }
}

/** Waits for the end, the timeout or a cancel, whichever comes first, and says which of the latter two it was. */
async function stopOnRequest(
  channel: Channel,
  step: StepRun,
  { clock, times }: { clock: Clock; times: SupervisorTimes },
  ended: AbortSignal,
): Promise<'timed-out' | 'cancelled' | null> {
  await clock.sleep(step.timeoutMs, AbortSignal.any([ended, step.signal]));
  if (ended.aborted) return null;
  const why = step.signal.aborted ? 'cancelled' : 'timed-out';
  const isLost = graceAfter(step.signal) < graceMs;
  channel.stdin.write(isLost ? 'lost\n' : 'stop\n');
  const graceSeconds = isLost ? times.lostGraceSeconds : times.graceSeconds;
  await clock.sleep(graceSeconds * 1000 + stopMarginMs, ended);
  // Of one that has ended what it said last may still be on its way.
  if (!ended.aborted) channel.close();
  return why;
}

/** What standard error says: until it has begun, why not; afterwards one line, that something was left behind. */
function readControl(stderr: Readable, runId: string) {
  let text = '';
  stderr.setEncoding('utf8');
  stderr.on('error', () => undefined);
  stderr.on('data', (piece: string) => (text = (text + piece).slice(-mostErrorCharacters)));
  const closed = new AbortController();
  stderr.once('close', () => closed.abort());
  stderr.once('end', () => closed.abort());
  return {
    /** How a program ended may be known before all that it said. */
    settle: (clock: Clock) => clock.sleep(settleMs, closed.signal),
    leftSomething: () => text.includes(`hookline-${runId} left`),
    explain: (code: number) => {
      const said = text.trim().replaceAll(/\s*\n\s*/g, '; ');
      return said === '' ? `the shell could not be started: it ended with code ${code}.` : `${said}.`;
    },
  };
}

/** Leaves out what comes before a line, e.g. what a profile of the user prints, and the line itself. */
function afterLine(line: string, give: StepRun['onOutput']) {
  let before: string | null = '';
  return {
    hasBegun: () => before === null,
    push: async (text: string) => {
      if (before === null) return await give(text);
      before += text;
      const at = before.indexOf(`${line}\n`);
      if (at < 0) {
        before = before.slice(-10_000);
        return;
      }
      const rest = before.slice(at + line.length + 1);
      before = null;
      if (rest) await give(rest);
    },
  };
}
