import { randomUUID } from 'node:crypto';
import { createLocalExecutor } from '../../src/actions/executors/local.ts';
import { systemClock } from '../../src/platform/clock.ts';

/** A process of its own, to be killed in the middle: `node run-one-step.ts <folder> <script>`. */
const [folder, script] = process.argv.slice(2) as [string, string];
await createLocalExecutor({ scriptDirectory: `${folder}/scripts`, clock: systemClock }).run({
  runId: randomUUID(),
  script,
  environment: {},
  paths: {},
  workingDirectory: `${folder}/work`,
  runAsUser: '',
  timeoutMs: 300_000,
  signal: new AbortController().signal,
  onOutput: () => undefined,
});
