import type { Command } from 'commander';
import { withClient } from './context.ts';
import { environmentNamed, listEnvironments } from './environment.ts';
import { CliFault } from './fault.ts';
import { plain } from './io.ts';
import { readProfiles, writeProfiles } from './profiles.ts';

/** What is more than an operation: listing those of all projects, and choosing that of the profile. */
export function addEnvironmentCommands(group: Command): void {
  group
    .command('list')
    .option('--project <id or name>', 'of this project only')
    .description('list the environments of all projects that you may see; that of the profile has a star')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline environments list
  $ hookline environments list --project shop --json`,
    )
    .action((options: { project?: string }, command: Command) =>
      withClient(command, async ({ client, profile, out, io }) => {
        const all = await listEnvironments(client);
        const found = all.filter(
          ({ project, project_id }) =>
            options.project === undefined || [project, String(project_id)].includes(options.project),
        );
        if (options.project !== undefined && found.length === 0)
          throw new CliFault(`There is no environment in a project "${options.project}".`, 'notFound');
        const stored = profile === '' ? null : (await readProfiles(io.env)).profiles[profile];
        out.table(
          found.map((one) => ({ ...one, is_current: one.id === stored?.environment?.id })),
          [
            { title: '', value: (one) => (one.is_current ? '*' : ' ') },
            { title: 'ID', value: (one) => one.id, kind: 'id' },
            { title: 'Name', value: (one) => one.name },
            { title: 'Type', value: (one) => one.type },
            { title: 'Project', value: (one) => one.project },
          ],
        );
      }),
    );
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
        out.line(`The profile "${profile}" works in ${plain(`${project}/${name}`)} (${id}) now.`);
      }),
    );
}
