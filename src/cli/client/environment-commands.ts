import type { Command } from 'commander';
import { withClient } from './context.ts';
import { environmentNamed, listEnvironments } from './environment.ts';
import { CliFault } from './fault.ts';
import { readProfiles, writeProfiles } from './profiles.ts';

/** What is more than an operation: choosing the environment of the profile. */
export function addEnvironmentCommands(group: Command): void {
  group
    .command('use')
    .argument('<environment>', 'id, name, or project/name')
    .description('make an environment the one that this profile works in')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline environments use production
  $ hookline environments use shop/production
  $ hookline environments use 3 --profile staging`,
    )
    .action((text: string, _options: object, command: Command) =>
      withClient(command, async ({ client, profile, out, io }) => {
        if (profile === '')
          throw new CliFault(
            'There is no profile to keep it in: set HOOKLINE_ENVIRONMENT, or log in.',
            'usage',
          );
        const { id, name, project } = environmentNamed(await listEnvironments(client), text);
        const file = await readProfiles(io.env);
        const stored = file.profiles[profile];
        if (!stored) throw new CliFault(`The profile "${profile}" is gone.`, 'notSignedIn');
        stored.environment = { id, name };
        await writeProfiles(io.env, file);
        out.line(`The profile "${profile}" works in ${project}/${name} (${id}) now.`);
      }),
    );
}
