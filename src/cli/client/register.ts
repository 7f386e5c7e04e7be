import type { Command } from 'commander';

type Group = {
  /** The first word of its commands. */
  name: string;
  alias?: string;
  about: string;
  load: () => Promise<(program: Command) => void>;
};

/** The commands of the client, one row each. What one needs is loaded when it is asked for. */
const groups: Group[] = [
  {
    name: 'login',
    about: 'sign in to a server and keep a token for it in a profile',
    load: async () => (await import('./login.ts')).registerLogin,
  },
  {
    name: 'logout',
    about: 'forget the token of a profile, and revoke it',
    load: async () => (await import('./login.ts')).registerLogout,
  },
  {
    name: 'whoami',
    about: 'show which account, server and profile the commands work with',
    load: async () => (await import('./login.ts')).registerWhoami,
  },
  {
    name: 'profiles',
    about: 'list the profiles',
    load: async () => (await import('./profile-commands.ts')).registerProfiles,
  },
  {
    name: 'use',
    about: 'make a profile the current one',
    load: async () => (await import('./profile-commands.ts')).registerUse,
  },
  {
    name: 'apps',
    alias: 'applications',
    about: 'applications: what is deployed, from which repository',
    load: async () => (await resources()).registerResource('apps'),
  },
  {
    name: 'pipelines',
    about: 'pipelines and their steps',
    load: async () => (await resources()).registerResource('pipelines'),
  },
  {
    name: 'hooks',
    about: 'hooks: incoming ones start pipelines, outgoing ones report',
    load: async () =>
      (await resources()).registerResource('hooks', (await import('./hooks.ts')).addHookCommands),
  },
  {
    name: 'actions',
    about: 'actions: run, watch, read and end the runs of pipelines',
    load: async () =>
      (await resources()).registerResource('actions', (await import('./actions.ts')).addActionCommands),
  },
  {
    name: 'deliveries',
    about: 'deliveries: what outgoing hooks have sent, or not',
    load: async () => (await resources()).registerResource('deliveries'),
  },
  {
    name: 'servers',
    about: 'servers: where pipelines run',
    load: async () => (await resources()).registerResource('servers'),
  },
  {
    name: 'credentials',
    about: 'credentials: the tokens of source providers',
    load: async () => (await resources()).registerResource('credentials'),
  },
  {
    name: 'variables',
    about: 'variables that the steps of an application or a server find',
    load: async () => (await resources()).registerResource('variables'),
  },
  {
    name: 'environments',
    about: 'environments, and which one to work in',
    load: async () =>
      (await resources()).registerResource(
        'environments',
        (await import('./environment-commands.ts')).addEnvironmentCommands,
      ),
  },
  { name: 'projects', about: 'projects', load: async () => (await resources()).registerResource('projects') },
  {
    name: 'organizations',
    about: 'organizations',
    load: async () => (await resources()).registerResource('organizations'),
  },
  {
    name: 'teams',
    about: 'teams, their members, invitations and places',
    load: async () => (await resources()).registerResource('teams'),
  },
  {
    name: 'roles',
    about: 'roles, which are lists of permissions',
    load: async () => (await resources()).registerResource('roles'),
  },
  {
    name: 'tokens',
    about: 'your personal access tokens',
    load: async () => (await resources()).registerResource('tokens'),
  },
  {
    name: 'project-tokens',
    about: 'tokens of a project, such as for a CI server',
    load: async () => (await resources()).registerResource('project-tokens'),
  },
  {
    name: 'audit',
    about: 'who changed what',
    load: async () => (await resources()).registerResource('audit'),
  },
  {
    name: 'mcp',
    about: 'speak the Model Context Protocol on standard input and output, for assistants',
    load: async () => (await import('./mcp.ts')).registerMcp,
  },
  {
    name: 'call',
    alias: 'api',
    about: 'any operation of the API, by its id',
    load: async () => (await import('./call.ts')).registerCall,
  },
  {
    name: 'import',
    about: 'take over what another program is set up with',
    load: async () => (await import('./import-webhook/command.ts')).registerImport,
  },
  {
    name: 'export',
    about: 'write an environment as one YAML file',
    load: async () => (await import('./export.ts')).registerExport,
  },
  {
    name: 'apply',
    about: 'make an environment as a YAML file says, after showing what would change',
    load: async () => (await import('./apply.ts')).registerApply,
  },
  {
    name: 'completion',
    about: 'print what makes a shell complete the words of the program',
    load: async () => (await import('./completion.ts')).registerCompletion,
  },
  {
    name: 'tail',
    about: 'watch everything that happens in an environment, as it happens',
    load: async () => (await import('./tail.ts')).registerTail,
  },
  {
    name: 'listen',
    about: "receive an outgoing hook's deliveries on this machine, without a public address",
    load: async () => (await import('./listen.ts')).registerListen,
  },
];

const resources = async () => await import('./resource-commands.ts');

/** Options of the root with a value, which `firstWord` steps over. */
const valued: ReadonlySet<string> = new Set(['--profile', '--url', '--token', '--environment']);

/** Declares every command of the client, and loads those that are asked for: one by its first word, or `all`. */
export async function registerClient(program: Command, words: readonly string[] | 'all'): Promise<void> {
  program
    .option('--profile <name>', 'the profile to work with (HOOKLINE_PROFILE)')
    .option('--url <url>', 'the server, instead of that of the profile (HOOKLINE_URL)')
    .option('--token <token>', 'the token; better in HOOKLINE_TOKEN, where no list of processes shows it')
    .option('--environment <id or name>', 'the environment to work in (HOOKLINE_ENVIRONMENT)')
    .option('--json', 'print JSON for programs instead of tables for people');
  const asked = words === 'all' ? null : firstWord(words);
  for (const { name, alias, about, load } of groups) {
    if (asked === null || asked === name || asked === alias) (await load())(program);
    else program.command(name);
    const command = program.commands.find((one) => one.name() === name);
    command?.description(about);
    if (alias && !command?.aliases().includes(alias)) command?.alias(alias);
  }
}

/** The command that is asked for, also as `help <command>`; '' without one. */
function firstWord(words: readonly string[]): string {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (valued.has(word)) at += 1;
    else if (word !== 'help' && !word.startsWith('-')) return word;
  }
  return '';
}
