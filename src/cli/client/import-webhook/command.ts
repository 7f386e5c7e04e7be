import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { withClient, withOutput } from '../context.ts';
import { CliFault, exitCodes } from '../fault.ts';
import { plain, type Io } from '../io.ts';
import type { Output } from '../output.ts';
import { convertHook, type ImportedHook } from './convert.ts';
import { createHooks, type Created } from './create-hooks.ts';
import { readHooks, type Fault } from './read-hooks.ts';
import { printReport, summaryOf } from './report.ts';
import { readTemplate } from './templates.ts';
import { environmentFile } from './to-environment-file.ts';

type ImportOptions = {
  dryRun?: boolean;
  output?: string;
  force?: boolean;
  template?: boolean;
  application: string;
  repository: string;
};

export function registerImport(program: Command): void {
  const group = program
    .command('import')
    .description('take over what another program is set up with')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline import webhook hooks.json --dry-run`,
    );
  group
    .command('webhook')
    .argument('<file>', 'the hooks of adnanh/webhook, in JSON or YAML; - for standard input')
    .option('--dry-run', 'only report: nothing is made, no server is asked')
    .option(
      '-o, --output <file>',
      'write an environment file for "hookline apply" instead; - for standard output',
    )
    .option('--force', 'write over a file that is there')
    .option('--template', 'the file is a template, as for "webhook -template"')
    .option('--application <name>', 'the application that the pipelines belong to', 'webhook')
    .option(
      '--repository <repository>',
      'of an application that is made; its steps fetch nothing',
      'webhook/hooks',
    )
    .description('turn the hooks of adnanh/webhook into pipelines and incoming hooks, with a report')
    .addHelpText(
      'after',
      `
Each hook becomes a pipeline with one step, which runs the same program with the same arguments, and an incoming hook with
the same secret and rule. The report names, line by line, what has no counterpart and what behaves differently. A hook that
would run something else, or for somebody else, is made inactive. Secrets are never shown, and never written to a file.

Ends with ${exitCodes.done} when everything has a counterpart, with ${exitCodes.incomplete} when something has none, and with ${exitCodes.failed} when nothing was made.

Examples:
  $ hookline import webhook hooks.json --dry-run
  $ hookline import webhook hooks.yaml -o hookline.yaml
  $ hookline import webhook hooks.json --application deploys`,
    )
    .action(async (file: string, options: ImportOptions, command: Command) => {
      if (options.dryRun || options.output !== undefined)
        return await withOutput(command, async ({ io, out, setExitCode }) => {
          const hooks = await convertFile(file, options, io);
          await writeTo(hooks, { file, options, out });
          setExitCode(exitOf(hooks));
        });
      return await withClient(command, async ({ client, environmentId, io, out, setExitCode }) => {
        const hooks = await convertFile(file, options, io);
        refuseBroken(hooks);
        const made: Created[] = [];
        const created = await createHooks(client, hooks, {
          made: (one) => made.push(one),
          environmentId: await environmentId(),
          application: options.application,
          repository: options.repository,
          env: io.env,
          progress: out.progress,
        }).catch((error: unknown) => {
          const names = made.filter(({ is_new }) => is_new).map(({ id }) => plain(id));
          if (names.length > 0)
            out.note(
              `Made before it failed: ${names.join(', ')}. Run it again to go on: they stay as they are.`,
            );
          throw error;
        });
        if (out.isJson) out.json(asJson(hooks, created));
        else {
          printReport(out, { file, hooks, toFile: false });
          for (const { id, url, is_new } of created)
            out.line(`${plain(id)}  ${url}${is_new ? '' : '  (was there, and stays as it is)'}`);
        }
        setExitCode(exitOf(hooks));
      });
    });
}

async function convertFile(file: string, options: ImportOptions, io: Io): Promise<ImportedHook[]> {
  const text = await readText(file, io);
  if (!options.template && /\{\{\s*(?:getenv|cat|credential)\b/.test(text))
    throw new CliFault(
      `${file} is a template. Add --template, as webhook is started with -template.`,
      'usage',
    );
  const {
    text: plainText,
    references,
    faults,
  } = options.template
    ? readTemplate(text, io.env)
    : { text, references: new Map<string, never>(), faults: [] };
  refuse(file, faults);
  const read = readHooks(plainText);
  refuse(file, read.faults);
  if (read.hooks.length === 0) throw new CliFault(`${file} has no hooks.`);
  const toFile = options.output !== undefined;
  const hooks = read.hooks.map((hook) => convertHook(hook, { references, env: io.env, toFile }));
  const ids = hooks.map(({ id }) => id);
  const repeated = hooks.filter(({ id }, index) => id !== '' && ids.indexOf(id) !== index);
  refuse(
    file,
    repeated.map(({ id, line }) => ({
      line,
      message: `The id "${id}" is there twice, which webhook refuses too.`,
    })),
  );
  return hooks;
}

const mostBytes = 4 * 1024 * 1024;

async function readText(file: string, io: Io): Promise<string> {
  const text = file === '-' ? await io.readInput() : await readFile(file, 'utf8').catch(asFault);
  if (Buffer.byteLength(text) > mostBytes) throw new CliFault(`${file} has more than ${mostBytes} bytes.`);
  return text;
}

function asFault(error: NodeJS.ErrnoException): never {
  throw new CliFault(
    `The file cannot be read: ${error.message}`,
    error.code === 'ENOENT' ? 'notFound' : 'failed',
  );
}

function refuse(file: string, faults: Fault[]): void {
  if (faults.length === 0) return;
  const lines = faults.map(({ line, message }) => `${file}:${line}: ${message}`);
  throw new CliFault(`Nothing was made.\n${lines.join('\n')}`);
}

/** Without an id or a program there is nothing to be made. */
function refuseBroken(hooks: ImportedHook[]): void {
  const broken = hooks.filter(({ id, hasProgram }) => id === '' || !hasProgram);
  if (broken.length === 0) return;
  const lines = broken.map(
    ({ id, line }) => `  line ${line}: ${id === '' ? 'no id' : `${id} has no execute-command`}`,
  );
  throw new CliFault(`Nothing was made: webhook itself takes no such hook.\n${lines.join('\n')}`);
}

async function writeTo(
  hooks: ImportedHook[],
  { file, options, out }: { file: string; options: ImportOptions; out: Output },
): Promise<void> {
  const toFile = options.output !== undefined;
  if (toFile) refuseBroken(hooks);
  const isOnOutput = options.output === '-' && !options.dryRun;
  if (out.isJson && !isOnOutput) out.json(asJson(hooks, []));
  else if (isOnOutput) out.note(summaryOf(hooks));
  else printReport(out, { file, hooks, toFile });
  if (options.dryRun || options.output === undefined) return;
  const text = environmentFile(hooks, options);
  if (isOnOutput) return out.raw(text);
  await writeFile(options.output, text, { flag: options.force ? 'w' : 'wx', mode: 0o644 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST')
        throw new CliFault(`${options.output} is there already. Add --force to write over it.`, 'usage');
      throw new CliFault(`The file cannot be written: ${error.message}`);
    },
  );
  out.note(`Written to ${options.output}. Look at it, and then: hookline apply -f ${options.output}`);
}

function exitOf(hooks: ImportedHook[]): number {
  const isComplete = hooks.every(({ notes }) => notes.every(({ kind }) => kind !== 'missing'));
  return isComplete ? exitCodes.done : exitCodes.incomplete;
}

function asJson(hooks: ImportedHook[], created: Created[]) {
  return hooks.map(({ id, line, active, notes }, index) => ({
    id,
    line,
    active,
    notes,
    ...(created[index]
      ? {
          pipeline_id: created[index].pipeline_id,
          hook_id: created[index].hook_id,
          url: created[index].url,
          is_new: created[index].is_new,
        }
      : {}),
  }));
}
