import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describeEnvironment } from './apply/describe-environment.ts';
import { ApplyFault } from './apply/faults.ts';
import { fetchEnvironment } from './apply/fetch-environment.ts';
import { createHookDefaults } from './apply/hook-defaults.ts';
import { writeEnvironmentFile } from './apply/write-file.ts';
import { withClient, type ClientContext } from './context.ts';
import { addExamples } from './examples.ts';
import { CliFault } from './fault.ts';

export function registerExport(program: Command): void {
  const command = program
    .command('export')
    .option('-o, --output <path>', 'write the file instead of printing it')
    .action(async ({ output }: { output?: string }, own: Command) => {
      await withClient(own, (context) => exportEnvironment(context, output));
    });
  command.addHelpText('after', about);
  addExamples(command, [
    'hookline export',
    'hookline export -o hookline.yaml',
    'hookline export --environment staging > staging.yaml',
  ]);
}

const about = `
Writes credentials, servers, applications, variables, pipelines and hooks of an environment as one YAML file, without
secrets. "hookline apply -f" makes them again, here or elsewhere; docs/environment-file.md describes the file.`;

async function exportEnvironment(context: ClientContext, path: string | undefined): Promise<void> {
  const { client, out } = context;
  const environmentId = await context.environmentId();
  out.progress('Reading the environment …');
  const environment = await fetchEnvironment(client, environmentId);
  const value = await describe(environment, createHookDefaults(client, environment));
  out.progress('');
  if (out.isJson) return out.json(value);
  const text = writeEnvironmentFile(value);
  if (path === undefined || path === '-') return out.raw(text);
  await writeWhole(path, text);
  out.note(`${path} is written.`);
}

async function describe(...given: Parameters<typeof describeEnvironment>) {
  try {
    return await describeEnvironment(...given);
  } catch (error) {
    if (!(error instanceof ApplyFault)) throw error;
    throw new CliFault([error.message, ...error.faults.map(({ message }) => `  ${message}`)].join('\n'));
  }
}

/** A file that is there already is replaced at once, or stays as it is. */
async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  try {
    // Made anew: in a folder of others a name that can be guessed may lead elsewhere.
    await writeFile(beside, text, { flag: 'wx' });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new CliFault(`${path} cannot be written (${code}).`);
  }
}
