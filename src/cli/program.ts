import { Command } from 'commander';
import { ConfigFault } from '../platform/config-fault.ts';
import { readConfig, type Config, type ConfigRow } from '../config.ts';
import { migrateCommand } from './migrate.ts';
import { resetPassword } from './reset-password.ts';
import { secretsForgetOld } from './secrets-forget-old.ts';
import { secretsRotate } from './secrets-rotate.ts';
import { secretsStatus } from './secrets-status.ts';
import { serve } from './serve.ts';

/** The commands. All of them are set up by environment variables alone, which `config` lists. */
export function createProgram(): Command {
  const program = new Command('hookline')
    .description('Self-hosted webhooks for deployments.')
    .showHelpAfterError()
    .showSuggestionAfterError();
  program
    .command('serve', { isDefault: true })
    .description(
      'start the server: HTTP, runs and deliveries, as HOOKLINE_ROLE says; also what runs without a command',
    )
    .allowExcessArguments()
    .action((_options: object, command: Command) => {
      const [unexpected] = command.args;
      // Without a command the default one gets every word, a mistyped command too.
      if (unexpected !== undefined) program.error(`unknown command "${unexpected}"`);
      return withConfig(({ config }) => serve(config));
    });
  program
    .command('migrate')
    .description('bring the database to the form this version needs, and end')
    .action(() => withConfig(({ config }) => migrateCommand(config)));
  program
    .command('reset-password')
    .argument('<email>', 'the account, e.g. admin@localhost')
    .description('give an account a new password and print it, also while the server is running')
    .action((email: string) => withConfig(({ config }) => resetPassword(config, email)));
  program
    .command('config')
    .description('show every setting with its value, secrets masked, and where it comes from')
    .action(() => withConfig(({ rows }) => printConfig(rows)));
  const secrets = program
    .command('secrets')
    .description('the keys that secrets are encrypted with; all of this works while a server is serving');
  secrets
    .command('status')
    .description('show which keys are known and how many secrets each has sealed')
    .action(() => withConfig(({ config }) => secretsStatus(config)));
  secrets
    .command('rotate')
    .description(
      'encrypt every secret again: with a new key in the key file, or with the first of HOOKLINE_SECRET_KEY; may be interrupted and run again',
    )
    .action(() => withConfig(({ config }) => secretsRotate(config)));
  secrets
    .command('forget-old')
    .description('take the keys out of the key file that no secret needs any more')
    .action(() => withConfig(({ config }) => secretsForgetOld(config)));
  return program;
}

/** A faulty set-up is told in sentences, without a stack, and ends the program with 1. */
async function withConfig(
  run: (read: { config: Config; rows: ConfigRow[] }) => Promise<void> | void,
): Promise<void> {
  try {
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
