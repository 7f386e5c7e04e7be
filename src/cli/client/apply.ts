import { open, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { getEnvironment, HooklineError } from '#sdk';
import { executePlan, type Made, type Outcome } from './apply/execute-plan.ts';
import { ApplyFault, faultText } from './apply/faults.ts';
import { fetchEnvironment, type ActualEnvironment } from './apply/fetch-environment.ts';
import { fileSchema } from './apply/file-schema.ts';
import { createHookDefaults } from './apply/hook-defaults.ts';
import { makePlan, type Change, type Plan } from './apply/plan.ts';
import { readEnvironmentFile, type Desired } from './apply/read-file.ts';
import { referencesIn, resolveReferences } from './apply/references.ts';
import { planAsJson, planLines, planNotes, summary } from './apply/show-plan.ts';
import { withClient, withOutput, type ClientContext } from './context.ts';
import { addExamples } from './examples.ts';
import { CliFault, exitCodes } from './fault.ts';
import { unreadable } from './field-values.ts';
import { plain } from './io.ts';

type Options = {
  file?: string;
  yes?: boolean;
  dryRun?: boolean;
  prune?: boolean;
  setSecrets?: boolean;
  generateSecrets?: boolean;
  secretsOut?: string;
  schema?: boolean;
};

export function registerApply(program: Command): void {
  const apply = program
    .command('apply')
    .option('-f, --file <path>', 'the file; - for standard input')
    .option('--dry-run', `show the plan and end with ${exitCodes.changesPending} if there is anything to do`)
    .option('-y, --yes', 'do not ask')
    .option('--prune', 'delete what is not in the file')
    .option(
      '--set-secrets',
      'send secrets that are stored already, as far as their references lead somewhere',
    )
    .option(
      '--generate-secrets',
      'have Hookline make the secrets of new hooks and the keys of new servers that are not set',
    )
    .option(
      '--secrets-out <path>',
      'write secrets that Hookline makes to a new file of yours alone, instead of showing them',
    )
    .option('--schema', 'print the JSON Schema of the file and end')
    .action(async (options: Options, command: Command) => {
      if (options.schema) return await withOutput(command, async ({ out }) => out.json(fileSchema));
      await withClient(command, (context) => applyFile(context, options));
    });
  apply.addHelpText('after', about);
  addExamples(apply, [
    'hookline apply -f hookline.yaml',
    'hookline apply -f hookline.yaml --dry-run',
    'hookline apply -f hookline.yaml --environment staging --yes',
    'hookline apply --schema > hookline.schema.json',
  ]);
}

const about = `
Shows what would change, asks, and makes the environment as the file says. Applying it again changes nothing. A file to
begin with is written by "hookline export"; docs/environment-file.md describes it.`;

async function applyFile(context: ClientContext, options: Options): Promise<void> {
  const { client, out, io, signal } = context;
  const desired = await readDesired(options, context);
  if (options.secretsOut !== undefined) await mustNotExist(options.secretsOut);
  const environmentId = await context.environmentId();
  out.note(`Environment ${await nameOf(context, environmentId)}`);
  out.progress('Looking at it …');
  const environment = await fetchEnvironment(client, environmentId);
  const { plan, faults } = await makePlan(desired, environment, createHookDefaults(client, environment), {
    prune: options.prune ?? false,
    setSecrets: options.setSecrets ?? false,
    generateSecrets: options.generateSecrets ?? false,
  });
  if (faults.length > 0) throw faultOf(options.file ?? '', faults);
  showPlan(plan, context, options.dryRun ?? false);
  if (options.dryRun)
    return context.setExitCode(plan.changes.length > 0 ? exitCodes.changesPending : exitCodes.done);
  if (plan.changes.length === 0) return out.isJson ? out.json({ ...planAsJson(plan), done: [] }) : undefined;
  if (!options.yes) await mustAgree(context, plan);

  await mustBeUnchanged(environment, await fetchEnvironment(client, environmentId));
  const made: Made[] = [];
  const secrets = await openSecrets(options.secretsOut);
  const ids = new Map<Desired, number | string>([...plan.pairs].map(([one, actual]) => [one, actual.id]));
  const onMade = async (one: Made) => {
    made.push(one);
    await secrets?.write(made);
  };
  const total = plan.changes.length;
  // Ctrl-C ends it between two changes, not in the middle of one.
  const outcome = await executePlan(
    { client: context.lastClient, environment, ids, plan, onMade },
    {
      signal,
      onChange: (change, at) => {
        const text = `[${at + 1}/${total}] ${verbs[change.action]} ${plain(change.address)}`;
        if (io.isErrorTerminal || out.isJson) out.progress(text);
        else out.note(text);
      },
    },
  );
  await secrets?.close();
  showOutcome(outcome, { context, plan, made, secretsOut: options.secretsOut });
}

/** Whoever applies a file to the wrong place is to see it. */
async function nameOf({ client, baseUrl }: ClientContext, environmentId: number): Promise<string> {
  const place = `at ${new URL(baseUrl).origin}`;
  try {
    const { name, type } = await getEnvironment({ client, path: { environment_id: environmentId } });
    return `${plain(name)} (${type}, ${environmentId}) ${place}`;
  } catch (error) {
    // A token may be for what the environment holds and not for the environment itself.
    if (error instanceof HooklineError && error.status === 403) return `${environmentId} ${place}`;
    throw error;
  }
}

const verbs = { create: 'creating', update: 'changing', delete: 'deleting' } as const;

async function readDesired({ file }: Options, { io }: ClientContext): Promise<Desired[]> {
  if (file === undefined)
    throw new CliFault('Which file? Say -f hookline.yaml, or -f - for standard input.', 'usage');
  const text = file === '-' ? await io.readInput() : await readText(file);
  const { desired, faults } = readEnvironmentFile(text);
  if (faults.length > 0) throw faultOf(file, faults);
  const references = desired.flatMap(({ fields }) => referencesIn(fields));
  const folder = file === '-' ? process.cwd() : dirname(resolve(file));
  await resolveReferences(references, { folder, env: io.env });
  return desired;
}

const mostBytes = 4 * 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > mostBytes) throw new CliFault(`${path} has more than ${mostBytes} bytes.`, 'usage');
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof CliFault) throw error;
    if (error instanceof TypeError) throw new CliFault(`${path} is not UTF-8.`, 'usage');
    throw unreadable(path, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function faultOf(file: string, faults: ApplyFault['faults']): CliFault {
  const name = file === '-' ? 'standard input' : file;
  return new CliFault(
    `Nothing was changed: ${countText(faults.length)} in the file.\n${faultText(name, faults)}`,
    'usage',
  );
}

function countText(count: number): string {
  return count === 1 ? 'there is a fault' : `there are ${count} faults`;
}

function showPlan(plan: Plan, { out }: ClientContext, isDry: boolean): void {
  out.progress('');
  if (out.isJson) {
    if (isDry) out.json(planAsJson(plan));
    return;
  }
  for (const line of planLines(plan, out)) out.line(line);
  for (const line of planNotes(plan)) out.line(line);
  out.line(
    plan.changes.length === 0 ? 'The environment is as the file says.' : `Plan: ${summary(plan.changes)}.`,
  );
}

async function mustAgree({ io, out }: ClientContext, { changes }: Plan): Promise<void> {
  if (out.isJson)
    throw new CliFault('With --json nothing is asked: add --yes, or --dry-run to see the plan.', 'usage');
  const loss = changes.some(({ action }) => action === 'delete') ? ' What is deleted is gone for good.' : '';
  let answer: string;
  try {
    answer = await io.ask(`${loss.trim()}${loss ? ' ' : ''}Make these changes? (yes/no) `);
  } catch (error) {
    if (error instanceof CliFault && error.reason === 'usage')
      throw new CliFault(
        'Nothing was changed: there is no terminal to ask on. Add --yes to make these changes.',
        'usage',
      );
    throw error;
  }
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliFault('Nothing was changed.');
}

/** The plan was made for an environment as it was; somebody may have changed it while it was read. */
async function mustBeUnchanged(before: ActualEnvironment, now: ActualEnvironment): Promise<void> {
  const marks = (environment: ActualEnvironment) =>
    new Map(environment.resources.map((one) => [`${one.kind} ${one.id}`, one]));
  const [old, fresh] = [marks(before), marks(now)];
  const mark = (one: ActualEnvironment['resources'][number] | undefined) =>
    one && JSON.stringify([one.address, one.updatedAt, one.fields]);
  const changed = [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((key) => mark(old.get(key)) !== mark(fresh.get(key)))
    .map((key) => (fresh.get(key) ?? old.get(key))!.address);
  if (changed.length === 0) return;
  throw new CliFault(
    `Nothing was changed: since the plan was made, somebody has changed ${changed.join('; ')}. Run it again to see what is to be done now.`,
  );
}

async function mustNotExist(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found) throw new CliFault(`${path} exists already: --secrets-out writes a new file.`, 'usage');
}

/** Written anew with each secret: what was made must not be lost with what fails later. */
async function openSecrets(path: string | undefined) {
  if (path === undefined) return null;
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new CliFault(`Nothing was changed: ${path} cannot be written (${codeOf(error)}).`);
  });
  await file.write('[]\n', 0);
  return {
    write: async (made: Made[]) => {
      await file.write(`${JSON.stringify(made, null, 2)}\n`, 0);
      await file.sync();
    },
    close: () => file.close(),
  };
}

function showOutcome(
  { done, failed, left }: Outcome,
  scene: { context: ClientContext; plan: Plan; made: Made[]; secretsOut: string | undefined },
): void {
  const { context, plan, made, secretsOut } = scene;
  const { out } = context;
  out.progress('');
  const shown = made.map(({ secret, ...one }) => ({
    ...one,
    ...(secret !== undefined && secretsOut === undefined ? { secret } : {}),
  }));
  const names = (changes: Change[]) => changes.map(({ address }) => address);
  if (out.isJson) {
    out.json({
      ...planAsJson(plan),
      done: names(done),
      failed: failed?.change.address ?? null,
      not_done: names(left),
      made: shown,
    });
  } else {
    for (const one of shown) {
      out.line(plain(one.resource));
      if (one.url !== undefined) out.line(`  url: ${plain(one.url)}`);
      if (one.secret !== undefined) out.line(`  secret: ${one.secret}  (shown this once)`);
      if (one.ssh_install_command !== undefined)
        out.line(
          `  run this on the server, as the user that Hookline signs in as:\n    ${plain(one.ssh_install_command)}`,
        );
    }
    if (secretsOut !== undefined && made.some(({ secret }) => secret !== undefined))
      out.line(`The secrets are in ${secretsOut}, which nobody but you can read.`);
  }
  if (left.length === 0 && !failed)
    return out.isJson ? undefined : out.line(`Done: ${summary(done, ['created', 'changed', 'deleted'])}.`);
  const isAll = done.length === 0;
  out.note(isAll ? 'Nothing was changed.' : `Done: ${done.length} of ${plan.changes.length}.`);
  if (failed) out.note(`Failed: ${verbs[failed.change.action]} ${plain(failed.change.address)}`);
  for (const address of names(left)) out.note(`Not done: ${plain(address)}`);
  out.note('Run it again to go on from there.');
  if (failed) throw failed.error;
}
