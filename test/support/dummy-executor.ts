import type { Executor, StepOutcome, StepRun } from '../../src/actions/executors/executor.ts';
import type { Clock } from '../../src/platform/clock.ts';

/**
 * For tests of the whole system that need speed: starts no process. It knows scripts of the lines `echo TEXT`,
 * `sleep SECONDS` (by `clock`), `exit N`, `true` and `false`, and throws for any other. It keeps those promises of
 * `executor-suite.ts` that need no shell.
 */
export function createDummyExecutor({ clock }: { clock: Clock }): Executor {
  return {
    async run(step) {
      const commands = step.script.split('\n').filter(Boolean).map(parse);
      if (step.signal.aborted) return { kind: 'cancelled' };
      const timeout = new AbortController();
      const ended = new AbortController();
      void clock.sleep(step.timeoutMs, ended.signal).then(() => timeout.abort());
      const stop = AbortSignal.any([step.signal, timeout.signal]);
      try {
        return await runCommands(commands, { step, clock, stop });
      } finally {
        ended.abort();
      }
    },
  };
}

type Command =
  | { kind: 'echo'; text: string }
  | { kind: 'sleep'; ms: number }
  | { kind: 'exit'; code: number };

const forms: { form: RegExp; command: (argument: string) => Command }[] = [
  // Nothing that a shell would take for more than text.
  { form: /^echo ?([\w .,:=@%+/-]*)$/, command: (text) => ({ kind: 'echo', text: `${text}\n` }) },
  { form: /^sleep (\d+(?:\.\d+)?)$/, command: (seconds) => ({ kind: 'sleep', ms: Number(seconds) * 1000 }) },
  { form: /^exit (\d+)$/, command: (code) => ({ kind: 'exit', code: Number(code) % 256 }) },
  { form: /^true()$/, command: () => ({ kind: 'echo', text: '' }) },
  // As under `set -e`, which every script begins with.
  { form: /^false()$/, command: () => ({ kind: 'exit', code: 1 }) },
];

function parse(line: string): Command {
  for (const { form, command } of forms) {
    const match = form.exec(line);
    if (match) return command(match[1] ?? '');
  }
  throw new Error(`the dummy executor does not know this line: ${line}`);
}

async function runCommands(
  commands: readonly Command[],
  { step, clock, stop }: { step: StepRun; clock: Clock; stop: AbortSignal },
): Promise<StepOutcome> {
  for (const command of commands) {
    if (command.kind === 'exit') return { kind: 'exited', code: command.code };
    if (command.kind === 'sleep') await clock.sleep(command.ms, stop);
    else if (command.text !== '') await step.onOutput(command.text);
    if (stop.aborted) return { kind: step.signal.aborted ? 'cancelled' : 'timed-out' };
  }
  return { kind: 'exited', code: 0 };
}
