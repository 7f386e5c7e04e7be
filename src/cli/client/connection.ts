import { CliFault } from './fault.ts';
import { checkProfileName, profileNamed, readProfiles, type Profile } from './profiles.ts';

/** The options that every command of the client takes, as commander has them. */
export type GlobalOptions = {
  profile?: string;
  url?: string;
  token?: string;
  environment?: string;
  json?: boolean;
};

export type Connection = {
  /** Without a slash at its end. */
  url: string;
  token: string;
  /** Its name; '' when address and token were given otherwise. */
  profile: string;
  /** Id or name, as it was asked for; null to decide. */
  environment: string | null;
  stored: Profile | null;
};

type Env = Record<string, string | undefined>;

/**
 * Which server, with which token. An option beats a variable, which beats the profile; a token is only ever sent to the
 * server that it was stored for.
 */
export async function findConnection(options: GlobalOptions, env: Env): Promise<Connection> {
  const named = options.profile ?? (env['HOOKLINE_PROFILE'] || undefined);
  if (named !== undefined) checkProfileName(named);
  // Who names a profile means its server and its token, not those of the surroundings.
  const around = options.profile === undefined ? env : {};
  const url = options.url ?? (around['HOOKLINE_URL'] || undefined);
  const given = options.token ?? (around['HOOKLINE_TOKEN'] || undefined);
  const token = given === undefined ? undefined : checkToken(given);
  const environment = options.environment ?? (env['HOOKLINE_ENVIRONMENT'] || null);
  const asked = url === undefined ? null : serverAddress(url);
  if (asked !== null && token) return { url: asked, token, profile: '', environment, stored: null };

  const file = await readProfiles(env);
  const name = named ?? file.current;
  const isKnown = Object.hasOwn(file.profiles, name);
  if (!isKnown && named === undefined)
    throw new CliFault(
      `You are not signed in${asked === null ? '' : ` to ${asked}`}. Do so with: hookline login${asked === null ? '' : ` --url ${asked}`}`,
      'notSignedIn',
    );
  const stored = profileNamed(file, name);
  if (asked !== null && asked !== stored.url)
    throw new CliFault(
      `The profile "${name}" is for ${stored.url}, and there is no token for ${asked}. Sign in with: hookline login --url ${asked} --profile <name>`,
      'notSignedIn',
    );
  return { url: stored.url, token: token ?? stored.token, profile: name, environment, stored };
}

/**
 * `https://hooks.example.com` of what somebody types, with the path where a proxy has put it, and without that of the API.
 * Throws a CliFault.
 */
export function serverAddress(text: string): string {
  const trimmed = text.trim();
  const url = URL.parse(/^\w+:\/\//.test(trimmed) ? trimmed : `https://${trimmed}`);
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname || url.username || url.password)
    throw new CliFault(
      `${url?.password ? 'This' : `"${text}"`} is not the address of a server, such as https://hooks.example.com`,
      'usage',
    );
  return `${url.origin}${url.pathname.replace(/(\/api)?\/*$/, '')}`;
}

function checkToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CliFault('The token has characters that no token has.', 'usage');
}
