import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { Config, ConfigRow } from '../config.ts';
import { exitCodes } from './client/fault.ts';
import { processIo, type Io } from './client/io.ts';
import { registerClient } from './client/register.ts';
import { attachSession } from './client/session.ts';

/** Runs the program. Gives its exit code; a server that has started goes on by itself. */
export async function runProgram(words: readonly string[], io: Io = processIo()): Promise<number> {
  if (words[0] === '__complete') {
    const { complete } = await import('./client/complete.ts');
    const asked = words.slice(words[1] === '--' ? 2 : 1);
    await complete(await createProgram(asked, io), asked, io);
    return exitCodes.done;
  }
  let exitCode: number = exitCodes.done;
  const program = await createProgram(words, io);
  attachSession(program, { io, setExitCode: (code) => (exitCode = code) });
  try {
    // Without a word it serves.
    await program.parseAsync(words.length === 0 ? ['serve'] : [...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // 0 for help and version that were asked for.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  return exitCode;
}

/** The commands. Those of the client are loaded as far as `words` ask for them. */
export async function createProgram(words: readonly string[] | 'all', io: Io): Promise<Command> {
  const program = new Command('hookline')
    .description('Self-hosted webhooks for deployments: the server, and the client of its API.')
    .version(versionOf())
    .usage('[command] [options]')
    .showHelpAfterError('Add --help to see what there is.')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: io.stdout,
      writeErr: io.stderr,
      getOutHelpWidth: io.columns,
      getErrHelpWidth: io.columns,
    })
    .exitOverride();
  program.addHelpText(
    'after',
    `
Ends with 0 when it is done, 1 when the server refused or failed, 2 for a command that is not right, 3 when you are not
signed in, 4 when there is no such thing, 5 when the server cannot be reached, 6 when an action did not complete.

Examples:
  $ hookline serve
  $ hookline login https://hooks.example.com
  $ hookline actions run deploy --branch main --follow
  $ hookline hooks test push payload.json
  $ hookline apps list --json`,
  );
  program.commandsGroup('Server, set up by environment variables alone, which "config" lists:');
  registerServer(program);
  const server = new Set(program.commands);
  program.hook('preAction', (_program, command) => {
    const own = server.has(command) || (command.parent && server.has(command.parent));
    const given = program.options.find(
      (option) => program.getOptionValueSource(option.attributeName()) === 'cli',
    );
    if (own && given) program.error(`error: ${given.long} is for the commands of the client`);
  });
  program.commandsGroup('Client, which reaches a server by its API:');
  await registerClient(program, words);
  return program;
}

/** What the server needs, from fastify to the database, is loaded when one of these runs. */
function registerServer(program: Command): void {
  program
    .command('serve')
    .description(
      'start the server: HTTP, runs and deliveries, as HOOKLINE_ROLE says; also what runs without a command',
    )
    .addHelpText(
      'after',
      examples('hookline serve', 'HOOKLINE_URL=https://hooks.example.com PORT=8080 hookline serve'),
    )
    .action(() => withConfig(async ({ config }) => (await import('./serve.ts')).serve(config)));
  program
    .command('migrate')
    .description('bring the database to the form this version needs, and end')
    .addHelpText(
      'after',
      examples('hookline migrate', 'DATABASE_URL=postgres://hookline@db/hookline hookline migrate'),
    )
    .action(() => withConfig(async ({ config }) => (await import('./migrate.ts')).migrateCommand(config)));
  program
    .command('reset-password')
    .argument('<email>', 'the account, e.g. admin@localhost')
    .description('give an account a new password and print it, also while the server is running')
    .addHelpText('after', examples('hookline reset-password admin@localhost'))
    .action((email: string) =>
      withConfig(async ({ config }) => (await import('./reset-password.ts')).resetPassword(config, email)),
    );
  program
    .command('config')
    .description('show every setting with its value, secrets masked, and where it comes from')
    .addHelpText('after', examples('hookline config'))
    .action(() => withConfig(({ rows }) => printConfig(rows)));
  const secrets = program
    .command('secrets')
    .description('the keys that secrets are encrypted with; all of this works while a server is serving')
    .addHelpText('after', examples('hookline secrets status', 'hookline secrets rotate'));
  secrets
    .command('status')
    .description('show which keys are known and how many secrets each has sealed')
    .addHelpText('after', examples('hookline secrets status'))
    .action(() =>
      withConfig(async ({ config }) => (await import('./secrets-status.ts')).secretsStatus(config)),
    );
  secrets
    .command('rotate')
    .description(
      'encrypt every secret again: with a new key in the key file, or with the first of HOOKLINE_SECRET_KEY; may be interrupted and run again',
    )
    .addHelpText('after', examples('hookline secrets rotate'))
    .action(() =>
      withConfig(async ({ config }) => (await import('./secrets-rotate.ts')).secretsRotate(config)),
    );
  secrets
    .command('forget-old')
    .description('take the keys out of the key file that no secret needs any more')
    .addHelpText('after', examples('hookline secrets forget-old'))
    .action(() =>
      withConfig(async ({ config }) => (await import('./secrets-forget-old.ts')).secretsForgetOld(config)),
    );
}

/** A faulty set-up is told in sentences, without a stack, and ends the program with 1. */
async function withConfig(
  run: (read: { config: Config; rows: ConfigRow[] }) => Promise<void> | void,
): Promise<void> {
  const { ConfigFault } = await import('../platform/config-fault.ts');
  try {
    const { readConfig } = await import('../config.ts');
    await run(readConfig(process.env));
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

function printConfig(rows: ConfigRow[]): void {
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, value, source, meaning } of rows) {
    console.log(`${name.padEnd(width)}  ${value || '(none)'}  [${source}]`);
    console.log(`${' '.repeat(width)}  ${meaning}`);
  }
}

function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  // Safe: our own file.
  return (JSON.parse(text) as { version: string }).version;
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
