import type { Command } from 'commander';
import { withOutput } from './context.ts';
import { profileNamed, readProfiles, writeProfiles } from './profiles.ts';

export function registerProfiles(program: Command): void {
  program
    .command('profiles')
    .description('list the profiles: server, account, environment; the current one has a star')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline profiles
  $ hookline profiles --json`,
    )
    .action((_options: object, command: Command) =>
      withOutput(command, async ({ io, out }) => {
        const { current, profiles } = await readProfiles(io.env);
        const rows = Object.entries(profiles).map(([name, { url, email, environment }]) => ({
          name,
          is_current: name === current,
          url,
          email,
          environment,
        }));
        out.table(rows, [
          { title: '', value: (row) => (row.is_current ? '*' : ' ') },
          { title: 'Name', value: (row) => row.name },
          { title: 'Server', value: (row) => row.url },
          { title: 'Account', value: (row) => row.email },
          { title: 'Environment', value: (row) => row.environment && row.environment.name },
        ]);
      }),
    );
}

export function registerUse(program: Command): void {
  program
    .command('use')
    .argument('<profile>', 'its name, as "hookline profiles" lists it')
    .description('make a profile the current one')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline use staging`,
    )
    .action((name: string, _options: object, command: Command) =>
      withOutput(command, async ({ io, out }) => {
        const file = await readProfiles(io.env);
        const { url } = profileNamed(file, name);
        await writeProfiles(io.env, { ...file, current: name });
        out.line(`The commands go to ${url} now, with the profile "${name}".`);
      }),
    );
}
