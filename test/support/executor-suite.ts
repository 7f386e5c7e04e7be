import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { TargetUnusable } from '../../src/actions/executors/executor.ts';
import type { Executor, StepOutcome, StepRun } from '../../src/actions/executors/executor.ts';
import { isAlive } from './alive.ts';
import { until } from './api-client.ts';
import { timeLimit } from './timely-clock.ts';
import { argumentsHolding, processesOfRun } from './run-processes.ts';

/** What the promises are tried on; made before the first and closed after the last. */
export type ExecutorUnderTest = {
  executor: Executor;
  /** The same, with a short time between TERM and KILL, and none of the long waits for what holds the output open. */
  hasty: Executor;
  /** Where the user that the steps run as may write. */
  folder: string;
  /** What its steps find when they run as the user that they run as if they name none. */
  user: string;
  home: string;
  close(): Promise<void>;
};

export type ExecutorKind = {
  name: string;
  /** Without one it only knows the few commands of `dummy-executor.ts`. */
  hasShell: boolean;
  /** An account that `runAsUser` may name; null where sudo cannot be used. */
  otherUser: string | null;
  open(): Promise<ExecutorUnderTest>;
};

export type Ran = { outcome: StepOutcome; output: string };

/** A step with what does not matter filled in. */
export function stepOf(folder: string, script: string, fields: Partial<StepRun> = {}): StepRun {
  return {
    runId: randomUUID(),
    script,
    environment: {},
    paths: {},
    workingDirectory: join(folder, 'work'),
    runAsUser: '',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    onOutput: () => undefined,
    ...fields,
  };
}

export async function runStep(
  executor: Executor,
  folder: string,
  script: string,
  fields: Partial<StepRun> = {},
): Promise<Ran> {
  let output = '';
  const step = stepOf(folder, script, { onOutput: (text) => void (output += text), ...fields });
  return { outcome: await executor.run(step), output };
}

/** The ids that a script has written to a file in the working directory, once there are so many. */
export async function pidsIn(folder: string, name: string, count: number): Promise<number[]> {
  return await until(async () => {
    const text = await readFile(join(folder, 'work', name), 'utf8').catch(() => '');
    const pids = text.split('\n').filter(Boolean).map(Number);
    return pids.length === count && pids;
  }, `${count} processes to name themselves in ${name}`);
}

/** Kills those that are left, so that a promise that is broken leaves nothing behind. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
}

/** What every executor promises. */
export function promisesOfExecutors(kind: ExecutorKind): void {
  describe(`the executor ${kind.name}`, { timeout: 600_000, concurrency: 4 }, () => {
    let subject: ExecutorUnderTest;
    before(async () => void (subject = await kind.open()));
    after(() => subject?.close());

    const run = (script: string, fields: Partial<StepRun> = {}) =>
      runStep(subject.executor, subject.folder, script, fields);
    const hastily = (script: string, fields: Partial<StepRun> = {}) =>
      runStep(subject.hasty, subject.folder, script, fields);
    const pidsNamed = (name: string, count: number) => pidsIn(subject.folder, name, count);
    /** A promise that only a shell can keep. */
    const inShell = (name: string, check: () => Promise<void>): void => {
      if (kind.hasShell) void test(name, check);
    };

    for (const { script, outcome } of [
      { script: 'true', outcome: { kind: 'exited', code: 0 } },
      { script: 'exit 7', outcome: { kind: 'exited', code: 7 } },
      { script: 'false\necho not reached', outcome: { kind: 'exited', code: 1 } },
      { script: 'exit 0\necho not reached', outcome: { kind: 'exited', code: 0 } },
    ] as const) {
      test(`tells how a script ended: ${JSON.stringify(script)}`, () => ended(script, outcome));
    }
    for (const { script, outcome } of [
      { script: 'false | true; echo not reached', outcome: { kind: 'exited', code: 1 } },
      { script: 'no-such-command-here', outcome: { kind: 'exited', code: 127 } },
      { script: 'if then fi', outcome: { kind: 'exited', code: 2 } },
      { script: 'exit 255', outcome: { kind: 'exited', code: 255 } },
      { script: 'kill -9 $$', outcome: { kind: 'exited', code: 137 } },
      { script: 'kill -TERM $$; sleep 9', outcome: { kind: 'exited', code: 143 } },
      { script: 'kill -HUP $$; sleep 9', outcome: { kind: 'exited', code: 129 } },
    ] as const) {
      inShell(`tells how a script ended: ${script}`, () => ended(script, outcome));
    }
    async function ended(script: string, outcome: StepOutcome): Promise<void> {
      const ran = await run(script);
      assert.deepEqual(ran.outcome, outcome, ran.output);
      assert.doesNotMatch(ran.output, /^not reached/m);
    }

    test('gives the output of a script in its order', async () => {
      const words = Array.from({ length: 20 }, (_, index) => `line ${index}`);
      const { output } = await run(words.map((word) => `echo ${word}`).join('\n'));
      assert.equal(output, words.map((word) => `${word}\n`).join(''));
    });

    inShell('gives both outputs in the order in which they were written', async () => {
      const { output } = await run('for i in {1..300}; do echo "out $i"; echo "err $i" >&2; done');
      const lines = Array.from({ length: 300 }, (_, index) => `out ${index + 1}\nerr ${index + 1}\n`);
      assert.equal(output, lines.join(''));
    });

    test('waits for whoever takes the output', async () => {
      const taken: string[] = [];
      let isTaking = false;
      const onOutput = async (text: string): Promise<void> => {
        assert.equal(isTaking, false, 'one piece at a time');
        isTaking = true;
        await delay(5);
        isTaking = false;
        taken.push(text);
      };
      const { outcome } = await run('echo one\necho two\necho three', { onOutput });
      assert.deepEqual(outcome, { kind: 'exited', code: 0 });
      assert.equal(taken.join(''), 'one\ntwo\nthree\n');
    });

    test('fails a run whose output cannot be taken', async () => {
      const onOutput = () => Promise.reject(new Error('the disk is full'));
      await assert.rejects(run('echo one', { onOutput }), /the disk is full/);
    });

    inShell('lets a slow reader slow the script, which then gives all of its output', async () => {
      const [blocks, blockBytes] = [400, 65_536];
      const file = `progress-${randomUUID()}`;
      const script = `for i in {1..${blocks}}; do printf '%${blockBytes}s'; echo "$i" > ${file}; done`;
      const gate = Promise.withResolvers<void>();
      let received = 0;
      const running = run(script, {
        onOutput: async (text) => {
          received += text.length;
          await gate.promise;
        },
      });
      const progress = async () => Number(await readFile(join(subject.folder, 'work', file), 'utf8'));
      // It comes no further: for a while nothing has changed.
      let seen = 0;
      await until(async () => {
        const before = await progress().catch(() => 0);
        if (before === 0) return false;
        await delay(250);
        seen = await progress();
        return seen === before;
      }, 'the script to be held up');
      assert.ok(seen < blocks / 2, `${seen} of ${blocks} blocks were written though nobody took them`);
      gate.resolve();
      assert.deepEqual((await running).outcome, { kind: 'exited', code: 0 });
      assert.equal(received, blocks * blockBytes);
    });

    inShell('makes characters whole that were cut in two, and marks bytes that are none', async () => {
      const { output } = await run(
        `printf 'caf\\303'; sleep 0.1; printf '\\251 \\377 \\360\\237'; sleep 0.1; printf '\\230\\200 \\303'`,
      );
      assert.equal(output, 'café \uFFFD 😀 \uFFFD');
    });

    inShell('gives a script its environment and no more, and a folder of its own', async () => {
      process.env.MARKED_IN_THE_SERVER = 'must not be seen';
      const { output } = await run('env -0 | sort -z | tr "\\0" "\\n"; pwd', {
        environment: { GREETING: 'a b\n$(c)' },
      });
      delete process.env.MARKED_IN_THE_SERVER;
      assert.doesNotMatch(output, /must not be seen/);
      assert.match(output, /^GREETING=a b\n\$\(c\)$/m);
      const names = [...output.matchAll(/^([A-Z_a-z]+)=/gm)].map(([, name]) => name);
      const ofEveryProcess = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'HOOKLINE_RUN_ID'];
      const ofBash = new Set(['PWD', 'OLDPWD', 'SHLVL', '_']);
      assert.deepEqual(
        names.filter((name) => !ofBash.has(name ?? '')).toSorted(),
        ['GREETING', ...ofEveryProcess].toSorted(),
      );
      assert.match(output, new RegExp(`^${subject.folder}/work$`, 'm'));
    });

    inShell('gives a script the user that it runs as, and what that user has', async () => {
      const { output } = await run(
        'echo "$(id -un) $USER $LOGNAME"; echo "$HOME"; echo "$SHELL $LANG"; echo "$PATH"',
      );
      const { user, home } = subject;
      const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
      assert.equal(output, `${user} ${user} ${user}\n${home}\n/bin/bash C.UTF-8\n${path}\n`);
    });

    inShell('a variable of a step wins over what every process has, but for the id of the run', async () => {
      const runId = randomUUID();
      const environment = { LANG: 'C', HOME: '/tmp', HOOKLINE_RUN_ID: 'of another run' };
      const { output } = await run('echo "$LANG $HOME $HOOKLINE_RUN_ID"', { environment, runId });
      assert.equal(output, `C /tmp ${runId}\n`);
    });

    for (const { name, value } of [
      { name: 'quotes', value: `it's "quoted" \`here\` $'and' $"there"` },
      { name: 'lines', value: 'one\ntwo\r\nthree\n\n' },
      { name: 'backslashes', value: String.raw`C:\new\table\0 \\ \' \x41` + '\\' },
      { name: 'expansions', value: '$(id) ${HOME} $HOME * ~ {a,b} !! && ; | > < #' },
      { name: 'letters of all kinds', value: 'żółw 漢字 😀 \u202E \u0301 \uFEFF' },
      { name: 'control characters', value: '\u0001\u0003\u0004\t\u0007\u001b[31m\u007f' },
      { name: 'nothing', value: '' },
    ]) {
      inShell(`hands a value with ${name} over as it is`, async () => {
        const { output } = await run(`printf '%s' "$VALUE" | base64 -w0`, { environment: { VALUE: value } });
        assert.equal(Buffer.from(output, 'base64').toString(), value);
      });
    }

    inShell('takes a value of 60 kB and a script of 60 kB', async () => {
      const lines = Array.from({ length: 1000 }, (_, index) => `: ${index} ${'ü$\\x'.repeat(15)}`);
      const script = [...lines, `echo "\${#VALUE} $LINENO"`].join('\n');
      assert.ok(script.length > 50_000);
      const { outcome, output } = await run(script, { environment: { VALUE: 'x'.repeat(60_000) } });
      assert.deepEqual(outcome, { kind: 'exited', code: 0 });
      assert.equal(output, '60000 1001\n');
    });

    inShell('begins paths with ~/ at the home of the user that it runs as', async () => {
      const paths = { FOLDER: `~/it's a "folder"/$x`, ABSOLUTE: '/a b/~/c' };
      const { output } = await run('echo "$FOLDER"; echo "$ABSOLUTE"', { paths });
      assert.equal(output, `${subject.home}/it's a "folder"/$x\n/a b/~/c\n`);
    });

    inShell('makes the working directory, whatever it is called, and for its user alone', async () => {
      const workingDirectory = join(subject.folder, `it's a "new" $folder`, 'ü -x');
      const { output } = await run('pwd', { workingDirectory });
      assert.equal(output, `${workingDirectory}\n`);
      assert.equal((await stat(workingDirectory)).mode & 0o777, 0o700);
    });

    inShell('refuses a working directory that cannot be made, with the reason', async () => {
      await assert.rejects(
        run('echo ran', { workingDirectory: '/dev/null/folder' }),
        (error) =>
          error instanceof TargetUnusable &&
          /\/dev\/null.*directory|directory.*\/dev\/null/s.test(error.message),
      );
    });

    inShell('reads nothing from its own standard input', async () => {
      assert.equal((await run('cat; read -r line || echo none; echo end')).output, 'none\nend\n');
    });

    inShell('counts the lines of a script as its author does', async () => {
      const { output } = await run('true\n\nno-such-command-here || true\necho "at $LINENO"', {
        environment: { LINES_OF_ITS_OWN: 'one\ntwo\nthree' },
      });
      assert.match(output, /line 3: no-such-command-here: command not found\nat 4\n$/);
    });

    for (const { name, script } of [
      { name: 'in the background', script: 'sleep 300 & echo $! > PIDS' },
      { name: 'in the background, silenced', script: 'sleep 300 >/dev/null 2>&1 & echo $! > PIDS' },
      {
        name: 'in a session of its own',
        script: `setsid bash -c 'echo $$ > PIDS; exec sleep 300' & until [ -s PIDS ]; do sleep 0.01; done`,
      },
      {
        name: 'in a session of its own, silenced',
        script: `setsid bash -c 'echo $$ > PIDS; exec sleep 300' >/dev/null 2>&1 & until [ -s PIDS ]; do sleep 0.01; done`,
      },
      { name: 'that ignores TERM', script: `bash -c 'trap "" TERM; sleep 300' & echo $! > PIDS` },
    ]) {
      inShell(`ends a process that a script leaves ${name}, and says so`, async () => {
        const file = `left-${randomUUID()}`;
        const runId = randomUUID();
        const startedAt = performance.now();
        const { outcome, output } = await run(`${script.replaceAll('PIDS', file)}; echo done`, { runId });
        const pids = await pidsNamed(file, 1);
        try {
          assert.deepEqual(pids.filter(isAlive), [], 'nothing of it is left');
          assert.deepEqual(await processesOfRun(runId), []);
          assert.deepEqual(outcome, { kind: 'exited', code: 0 });
          assert.ok(performance.now() - startedAt < 60_000);
          assert.match(output, /^done$/m);
          assert.match(output, /\[hookline\] .*processes/);
        } finally {
          killAll(pids);
        }
      });
    }

    inShell('does not count as left behind what is about to end', async () => {
      const { output } = await run('sleep 0.03 & echo done');
      assert.equal(output, 'done\n');
    });

    for (const { name, script } of [
      { name: 'writes on and on', script: `bash -c 'for i in {1..3000}; do echo tick; sleep 0.01; done'` },
      { name: 'holds the output open', script: 'sleep 30' },
    ]) {
      inShell(
        `a process without an environment that ${name} holds up its step for a while only`,
        async () => {
          const file = `held-${randomUUID()}`;
          const { outcome } = await hastily(`setsid env -i ${script} & echo $! > ${file}; sleep 0.1; exit 3`);
          try {
            assert.deepEqual(outcome, { kind: 'exited', code: 3 });
          } finally {
            killAll(await pidsNamed(file, 1));
          }
        },
      );
    }

    test('ends a script at its timeout, and gives what it had written', async () => {
      const limit = timeLimit();
      let output = '';
      const onOutput = (text: string): void => {
        output += text;
        limit.end();
      };
      const script = 'echo before\nsleep 300\necho after';
      const { outcome } = await hastily(script, { timeoutMs: limit.ms, onOutput });
      assert.deepEqual({ outcome, output }, { outcome: { kind: 'timed-out' }, output: 'before\n' });
    });

    inShell('ends the whole group at the timeout', async () => {
      const runId = randomUUID();
      const script = 'sleep 300 & echo $! >> timeout; echo $$ >> timeout; sleep 300';
      const limit = timeLimit();
      const running = run(script, { timeoutMs: limit.ms, runId });
      const pids = await pidsNamed('timeout', 2);
      limit.end();
      assert.deepEqual((await running).outcome, { kind: 'timed-out' });
      assert.deepEqual(pids.filter(isAlive), []);
      assert.deepEqual(await processesOfRun(runId), []);
    });

    inShell('lets a script tidy up at TERM', async () => {
      // The sleep is of the group too: ended a moment before the shell has its TERM, it must not end the script as a failure.
      const script = `trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.05 || true; done`;
      const limit = timeLimit();
      let output = '';
      const onOutput = (text: string): void => {
        output += text;
        limit.end();
      };
      const { outcome } = await run(script, { timeoutMs: limit.ms, onOutput });
      assert.deepEqual(outcome, { kind: 'timed-out' });
      assert.match(output, /tidied\n/);
    });

    inShell('kills a group that ignores TERM, and what left the group, some time later', async () => {
      const runId = randomUUID();
      const script = `trap '' TERM; setsid sleep 300 & echo $! >> stubborn; echo $$ >> stubborn; while :; do sleep 300; done`;
      const limit = timeLimit();
      const running = hastily(script, { timeoutMs: limit.ms, runId });
      const pids = await pidsNamed('stubborn', 2);
      limit.end();
      assert.deepEqual((await running).outcome, { kind: 'timed-out' });
      assert.deepEqual(pids.filter(isAlive), []);
      assert.deepEqual(await processesOfRun(runId), []);
    });

    test('ends a script that is cancelled', async () => {
      const abort = new AbortController();
      let output = '';
      const onOutput = (text: string): void => {
        output += text;
        abort.abort();
      };
      const script = 'echo before\nsleep 300\necho after';
      const { outcome } = await run(script, { signal: abort.signal, onOutput });
      assert.deepEqual({ outcome, output }, { outcome: { kind: 'cancelled' }, output: 'before\n' });
    });

    inShell('ends the whole group when cancelled', async () => {
      const abort = new AbortController();
      const runId = randomUUID();
      const script = 'sleep 300 & echo $! >> cancel; echo $$ >> cancel; sleep 300';
      const running = run(script, { signal: abort.signal, runId });
      const pids = await pidsNamed('cancel', 2);
      abort.abort();
      assert.deepEqual((await running).outcome, { kind: 'cancelled' });
      assert.deepEqual(pids.filter(isAlive), []);
      assert.deepEqual(await processesOfRun(runId), []);
    });

    inShell('leaves no process of a cancelled script that ignores TERM, in whatever session', async () => {
      const abort = new AbortController();
      const runId = randomUUID();
      const stubborn = `trap "" TERM HUP INT; echo $$ >> deaf; while :; do sleep 300; done`;
      const script = `setsid bash -c '${stubborn}' & setsid -f bash -c '${stubborn}'; bash -c '${stubborn}' & ${stubborn}`;
      const running = hastily(script, { signal: abort.signal, runId });
      const pids = await pidsNamed('deaf', 4);
      abort.abort();
      assert.deepEqual((await running).outcome, { kind: 'cancelled' });
      // In a hurry it gives up waiting for the other side, which goes on ending them.
      await until(async () => !pids.some(isAlive), 'all four to have ended');
      await until(async () => (await processesOfRun(runId)).length === 0, 'no process of the run');
    });

    test('starts nothing when cancelled before', async () => {
      const ran = await run('echo ran', { signal: AbortSignal.abort() });
      assert.deepEqual(ran, { outcome: { kind: 'cancelled' }, output: '' });
    });

    inShell('makes no file when cancelled before', async () => {
      await run('true');
      await run('echo ran > late', { signal: AbortSignal.abort() });
      assert.ok(!(await readdir(join(subject.folder, 'work'))).includes('late'));
    });

    inShell('shows neither the script nor a value to who lists the processes of the machine', async () => {
      const [inScript, inValue, inPath] = [randomUUID(), randomUUID(), randomUUID()];
      const runId = randomUUID();
      const abort = new AbortController();
      const running = run(`# ${inScript}\necho $$ >> listed\nwhile :; do read -rt 0.1 <> <(:) || :; done`, {
        environment: { SECRET: inValue },
        paths: { FOLDER: `~/${inPath}` },
        signal: abort.signal,
        runId,
      });
      await pidsNamed('listed', 1);
      try {
        assert.notDeepEqual(await processesOfRun(runId), [], 'it runs');
        for (const text of [inScript, inValue, inPath]) assert.deepEqual(await argumentsHolding(text), []);
      } finally {
        abort.abort();
        await running;
      }
    });

    inShell('rejects with the reason when it cannot run as the wanted user', async () => {
      await assert.rejects(
        run('echo ran', { runAsUser: 'nobody-that-exists' }),
        (error) => error instanceof TargetUnusable && /nobody-that-exists.*\.$/s.test(error.message),
      );
    });

    if (kind.otherUser !== null) {
      const runAsUser = kind.otherUser;
      inShell(`runs a step as another user (${runAsUser}), and ends it as any other`, async () => {
        const runId = randomUUID();
        const workingDirectory = '/';
        const { outcome, output } = await run('id -un; echo "$USER"; sleep 300 & exit 4', {
          runAsUser,
          workingDirectory,
          runId,
        });
        assert.deepEqual(outcome, { kind: 'exited', code: 4 });
        assert.match(output, new RegExp(`^${runAsUser}\n${runAsUser}\n\n\\[hookline\\]`));
        assert.deepEqual(await processesOfRun(runId), []);
      });
    }
  });
}
