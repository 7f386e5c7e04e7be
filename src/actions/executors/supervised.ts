import { randomUUID } from 'node:crypto';
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
import { readMarkedOutput, type MarkedOutput } from './marked-output.ts';
import { closeHeldOpen } from './read-output.ts';
import { beatMs, stepMessage, supervisorCode, type SupervisorTimes } from './supervisor.ts';

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

/** Runs steps by way of the program in `supervisor.ts`, one after another. */
export type Supervisor = {
  run(step: StepRun, context: StepContext): Promise<StepOutcome>;
  /** It has ended its last step, with all that this had started, and waits for the next. */
  isFree(): boolean;
  /** Whether it is still there: its answer comes before `signal` aborts. */
  answers(signal: AbortSignal): Promise<boolean>;
  /** Safe to repeat. */
  close(): void;
};

type StepContext = {
  clock: Clock;
  /** Bash that runs before the script, e.g. `ulimit -u 100`. */
  prelude?: string;
  /** What a lost connection means. */
  lost: () => string;
};

/** How much longer than its grace the other side may take to end a step. */
const stopMarginMs = 20_000;
const mostErrorCharacters = 2000;
const settleMs = 1000;

/** `channel` is what `supervisorCommand` has started. */
export function createSupervisor(channel: Channel, times: SupervisorTimes): Supervisor {
  const output = readMarkedOutput(channel.stdout);
  const errors = readErrors(channel.stderr);
  let isFree = true;
  /** Sent before what follows a step: until then what comes is taken to be about that one. */
  let over = '';
  const gone = new AbortController();
  const isGone = () => gone.abort();
  channel.ended.then(isGone, isGone);
  // The other end may be gone; how it ended is what tells.
  channel.stdin.on('error', () => undefined);
  // What comes before its answer is none of a step: a profile of the user may print something.
  let greeting: string | null = randomUUID();
  channel.stdin.write(`${supervisorCode(times)}here ${greeting}\n`);

  return {
    isFree: () => isFree,
    close: channel.close,
    async answers(signal) {
      const mark = randomUUID();
      greeting = null;
      channel.stdin.write(`${over}here ${mark}\n`);
      over = '';
      return (
        (await unlessAborted(
          output.upTo(mark, () => undefined),
          signal,
        )) === 'here'
      );
    },
    async run(step, { clock, prelude = '', lost }) {
      if (step.signal.aborted) return { kind: 'cancelled' };
      isFree = false;
      const mark = randomUUID();
      const reading = readStep(output, { greeting, mark }, step.onOutput);
      greeting = null;
      const ended = new AbortController();
      try {
        channel.stdin.write(over + stepMessage(step, { mark, prelude }));
        over = 'over\n';
        const beating = beat(channel.stdin, clock, ended.signal);
        const stopping = stopOnRequest(channel, step, { clock, times }, ended.signal);

        const code = await unlessAborted(reading.end, gone.signal);
        const end = code === null ? await channel.ended : null;
        ended.abort();
        await beating;
        const stopped = await stopping;
        const outcome = (code: number): StepOutcome =>
          stopped ? { kind: stopped } : { kind: 'exited', code };
        if (code !== null) {
          errors.forget();
          isFree = stopped === null;
          return outcome(code);
        }
        const { stdout: stream, close } = channel;
        await closeHeldOpen({ stream, done: reading.end, pieces: reading.pieces, close }, clock);
        // It may have ended a moment before its supervisor did.
        const late = await reading.end;
        if (late !== null) return outcome(late);
        if (!end) throw new TargetUnusable(lost());
        if (stopped) return outcome(end.code);
        await errors.settle(clock);
        if (!errors.include(`hookline-${mark} ended`)) throw new TargetUnusable(errors.explain(end.code));
        if (errors.include(`hookline-${mark} left`)) await step.onOutput(leftoversNotice);
        return outcome(end.code);
      } finally {
        ended.abort();
      }
    },
  };
}

/** `end` is the code that the supervisor tells when it goes on; null when it does not, and the output has ended. */
function readStep(
  output: MarkedOutput,
  { greeting, mark }: { greeting: string | null; mark: string },
  onOutput: StepRun['onOutput'],
) {
  const decoder = new TextDecoder();
  let pieces = 0;
  const read = async (): Promise<number | null> => {
    if (greeting !== null) await output.upTo(greeting, () => void pieces++);
    const said = await output.upTo(mark, async (piece) => {
      pieces++;
      await onOutput(decoder.decode(piece, { stream: true }));
    });
    const rest = decoder.decode();
    if (rest) await onOutput(rest);
    const code = /^end (\d{1,3})$/.exec(said ?? '')?.[1];
    return code === undefined ? null : Number(code);
  };
  const end = read();
  // Whoever waits for the step sees it; until then it must not count as unhandled.
  end.catch(() => undefined);
  return { end, pieces: () => pieces };
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

/** What standard error says: why a step cannot begin, or lines of the supervisor of how it ended. */
function readErrors(stderr: Readable) {
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
    include: (line: string) => text.includes(line),
    forget: () => void (text = ''),
    explain: (code: number) => {
      const said = text.trim().replaceAll(/\s*\n\s*/g, '; ');
      return said === '' ? `the shell that runs the step ended with code ${code}.` : `${said}.`;
    },
  };
}
