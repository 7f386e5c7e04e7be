import { hostname } from 'node:os';
import type { Command } from 'commander';
import {
  addUserPersonalAccessToken,
  createHooklineClient,
  getUserLogout,
  getUserMe,
  loginUser,
  revokeUserPersonalAccessToken,
  type Client,
} from '#sdk';
import { serverAddress, type GlobalOptions } from './connection.ts';
import { createContext, withClient, withOutput } from './context.ts';
import { listEnvironments } from './environment.ts';
import { CliFault } from './fault.ts';
import { fetchFor } from './fetch.ts';
import { plain, type Io } from './io.ts';
import type { Output } from './output.ts';
import {
  checkProfileName,
  profileNamed,
  readProfiles,
  writeProfiles,
  type Profile,
  type ProfileFile,
} from './profiles.ts';

type LoginOptions = GlobalOptions & {
  email?: string;
  tokenStdin?: boolean;
  passwordStdin?: boolean;
  days: string;
};

type Scene = { io: Io; out: Output };

const dayMs = 86_400_000;

export function registerLogin(program: Command): void {
  program
    .command('login')
    .argument('[url]', 'the address of the server, such as https://hooks.example.com')
    .option('--email <email>', 'the account; asked for if left out')
    .option('--password-stdin', 'read the password from standard input instead of asking')
    .option('--token-stdin', 'read a token from standard input and keep that, such as one of a project')
    .option('--days <number>', 'how long the token that is made is valid', '90')
    .description('sign in to a server and keep a token for it in a profile')
    .addHelpText(
      'after',
      `
A personal access token is made for this machine; the password is not kept. The token is kept in
~/.config/hookline/profiles.json, which you alone can read, and "hookline logout" revokes it.

Examples:
  $ hookline login https://hooks.example.com
  $ hookline login http://localhost:8080 --email admin@localhost --password-stdin < password.txt
  $ hookline login https://hooks.example.com --profile ci --token-stdin < token.txt`,
    )
    .action((url: string | undefined, _options: object, command: Command) =>
      withOutput(command, async ({ io, out, setExitCode }) => {
        // Safe: the options above and those of the root.
        const options = command.optsWithGlobals() as LoginOptions;
        if (options.token !== undefined)
          throw new CliFault('Give the token on standard input: hookline login --token-stdin', 'usage');
        if (options.tokenStdin && options.passwordStdin)
          throw new CliFault('Only one of --token-stdin and --password-stdin.', 'usage');
        const file = await readProfiles(io.env);
        const named = options.profile ?? (io.env['HOOKLINE_PROFILE'] || undefined);
        if (named !== undefined) checkProfileName(named);
        const address = serverAddress(
          url ??
            options.url ??
            ((options.profile === undefined && io.env['HOOKLINE_URL']) || undefined) ??
            file.profiles[named ?? file.current]?.url ??
            (await io.ask('Address of the server: ')),
        );
        const name = named ?? profileFor(address, file);
        const before = Object.hasOwn(file.profiles, name) ? file.profiles[name] : undefined;
        const profile = await signIn(address, options, { io, out });
        // Read again: another login may have ended meanwhile.
        const now = await readProfiles(io.env);
        now.profiles[name] = {
          ...profile,
          environment: before?.url === address ? before.environment : null,
        };
        now.current = name;
        await writeProfiles(io.env, now);
        const context = createContext(
          { url: address, token: profile.token, profile: name, environment: null, stored: null },
          { io, out, setExitCode },
        );
        const who = profile.email
          ? `Signed in to ${address} as ${plain(profile.email)}`
          : `The token is kept for ${address}`;
        out.line(`${who}, profile "${name}".`);
        if (before?.token_id && before.token_id !== profile.token_id)
          await revoke(clientOf(before.url, before.token, { io, out }), before.token_id);
        if (!now.profiles[name].environment) await sayEnvironments(context.client, out);
        if (out.isJson) out.json({ profile: name, url: address, email: profile.email });
      }),
    );
}

export function registerLogout(program: Command): void {
  program
    .command('logout')
    .description('forget the token of a profile, and revoke it if login has made it')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline logout
  $ hookline logout --profile staging`,
    )
    .action((_options: object, command: Command) =>
      withOutput(command, async ({ io, out, options }) => {
        const file = await readProfiles(io.env);
        const name = options.profile ?? (io.env['HOOKLINE_PROFILE'] || file.current);
        const profile = profileNamed(file, name);
        const { [name]: _forgotten, ...profiles } = file.profiles;
        const current = file.current === name ? (Object.keys(profiles)[0] ?? 'default') : file.current;
        await writeProfiles(io.env, { current, profiles });
        const client = clientOf(profile.url, profile.token, { io, out });
        const isRevoked = profile.token_id !== null && (await revoke(client, profile.token_id));
        out.line(
          isRevoked
            ? `Signed out of ${profile.url}; the token is revoked.`
            : `The profile "${name}" is forgotten; its token was not revoked at ${profile.url}.`,
        );
      }),
    );
}

export function registerWhoami(program: Command): void {
  program
    .command('whoami')
    .description('show which account, server and profile the commands work with')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline whoami
  $ hookline whoami --profile staging --json`,
    )
    .action((_options: object, command: Command) =>
      withClient(command, async ({ client, baseUrl, profile, out }) => {
        const { id, name, email } = await getUserMe({ client });
        out.fields({ id, name, email, server: baseUrl.replace(/\/api$/, ''), profile: profile || null }, [
          { title: 'Account', value: (me) => `${me.name} <${me.email}>` },
          { title: 'Server', value: (me) => me.server },
          { title: 'Profile', value: (me) => me.profile },
        ]);
      }),
    );
}

/** Nobody loses a profile by signing in elsewhere: another server gets one of its own. */
function profileFor(address: string, { current, profiles }: ProfileFile): string {
  const now = Object.hasOwn(profiles, current) ? profiles[current] : undefined;
  if (!now || now.url === address) return current || 'default';
  const known = Object.keys(profiles).find((name) => profiles[name]?.url === address);
  return known ?? checkProfileName(new URL(address).host.replace(/[^\w.-]/g, '-').slice(0, 64));
}

async function signIn(
  url: string,
  { email: given, tokenStdin, passwordStdin, days }: LoginOptions,
  scene: Scene,
): Promise<Profile> {
  const { io, out } = scene;
  if (tokenStdin) {
    const token = (await io.readInput()).trim();
    if (!/^[\x21-\x7e]+$/.test(token)) throw new CliFault('Standard input has no token.', 'usage');
    return {
      url,
      token,
      token_id: null,
      email: await ownerOf(clientOf(url, token, scene)),
      environment: null,
    };
  }
  if (!/^[1-9]\d{0,4}$/.test(days)) throw new CliFault('--days is a whole number of days.', 'usage');
  const email = given ?? (await io.ask('E-mail: '));
  const password = passwordStdin
    ? (await io.readInput()).replace(/\r?\n$/, '')
    : await io.ask('Password: ', { hidden: true });
  out.progress(`Signing in to ${url} …`);
  const { access_token } = await loginUser({
    client: clientOf(url, undefined, scene),
    body: { email, password },
  });
  const session = clientOf(url, access_token, scene);
  try {
    const { id, token } = await addUserPersonalAccessToken({
      client: session,
      body: {
        name: `hookline on ${hostname()}`.slice(0, 100),
        expires_at: new Date(io.now() + Number(days) * dayMs).toISOString(),
      },
    });
    if (!token) throw new CliFault('The server has made a token and not told it.');
    return { url, token, token_id: id, email, environment: null };
  } finally {
    await getUserLogout({ client: session }).catch(() => undefined);
  }
}

/** Null for the token of a project, which belongs to nobody. Throws when the server does not take it. */
async function ownerOf(client: Client): Promise<string | null> {
  // Any token may list what it sees; only that of a person has an account.
  await listEnvironments(client);
  return await getUserMe({ client })
    .then(({ email }): string | null => email)
    .catch(() => null);
}

async function sayEnvironments(client: Client, out: Output): Promise<void> {
  const all = await listEnvironments(client).catch(() => []);
  if (all.length > 1)
    out.line(`There are ${all.length} environments; choose one with: hookline environments use <id or name>`);
}

async function revoke(client: Client, tokenId: string): Promise<boolean> {
  return await revokeUserPersonalAccessToken({ client, path: { personal_access_token_id: tokenId } }).then(
    () => true,
    () => false,
  );
}

function clientOf(url: string, token: string | undefined, { io, out }: Scene): Client {
  return createHooklineClient({
    baseUrl: `${url}/api`,
    token,
    signal: io.signal,
    fetch: fetchFor(url, out),
  });
}
