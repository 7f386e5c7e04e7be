import type { Command } from 'commander';

type Group = {
  /** The first word of its commands. */
  name: string;
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
];

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
  for (const { name, about, load } of groups) {
    if (asked === null || asked === name) (await load())(program);
    else program.command(name).description(about);
    program.commands.find((command) => command.name() === name)?.description(about);
  }
}

/** The command that is asked for, also as `help <command>`; '' without one. */
export function firstWord(words: readonly string[]): string {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (valued.has(word)) at += 1;
    else if (word !== 'help' && !word.startsWith('-')) return word;
  }
  return '';
}
