import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliFault } from './fault.ts';

/** A server, and how this person is known to it. */
export type Profile = {
  /** Without a slash at its end: `https://hooks.example.com`. */
  url: string;
  token: string;
  /** Of the token that `login` has made, to revoke it at `logout`. */
  token_id: string | null;
  email: string | null;
  environment: { id: number; name: string } | null;
};

export type ProfileFile = { current: string; profiles: Record<string, Profile> };

type Env = Record<string, string | undefined>;

function profilePath(env: Env): string {
  const folder = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return join(folder, 'hookline', 'profiles.json');
}

/** Empty when there is none yet. Throws a CliFault when it cannot be understood. */
export async function readProfiles(env: Env): Promise<ProfileFile> {
  const path = profilePath(env);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { current: 'default', profiles: {} };
    throw new CliFault(`${path} cannot be read (${codeOf(error)}).`);
  }
  const file = parse(text);
  if (!file) throw new CliFault(`${path} is not a file of profiles: mend it, or delete it and log in again.`);
  return file;
}

/**
 * Changes the file as a whole: a reader, and a machine that loses power, has the old one or the new one. It belongs to
 * its owner alone, whatever its mode was before.
 */
export async function writeProfiles(env: Env, file: ProfileFile): Promise<void> {
  const path = profilePath(env);
  const draft = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.chmod(0o600);
      await handle.writeFile(`${JSON.stringify(file, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new CliFault(`${path} cannot be written (${codeOf(error)}).`);
  }
}

/** Throws a CliFault that lists those there are. */
export function profileNamed(file: ProfileFile, name: string): Profile {
  const profile = Object.hasOwn(file.profiles, name) ? file.profiles[name] : undefined;
  if (profile) return profile;
  const names = Object.keys(file.profiles);
  const known = names.length > 0 ? `There are: ${names.join(', ')}.` : 'There are none.';
  throw new CliFault(
    `There is no profile "${name}". ${known} Make it with: hookline login --profile ${name}`,
    'notSignedIn',
  );
}

export function checkProfileName(name: string): string {
  if (/^[\w.-]{1,64}$/.test(name) && name !== '__proto__') return name;
  throw new CliFault('The name of a profile is made of letters, digits, ".", "_" and "-".', 'usage');
}

function parse(text: string): ProfileFile | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || typeof value['current'] !== 'string' || !isObject(value['profiles'])) return null;
  const profiles: Record<string, Profile> = {};
  for (const [name, entry] of Object.entries(value['profiles'])) {
    if (!isObject(entry) || typeof entry['url'] !== 'string' || typeof entry['token'] !== 'string')
      return null;
    const environment = entry['environment'];
    profiles[name] = {
      url: entry['url'],
      token: entry['token'],
      token_id: typeof entry['token_id'] === 'string' ? entry['token_id'] : null,
      email: typeof entry['email'] === 'string' ? entry['email'] : null,
      environment:
        isObject(environment) && typeof environment['id'] === 'number'
          ? { id: environment['id'], name: String(environment['name'] ?? '') }
          : null,
    };
  }
  return { current: value['current'], profiles };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function codeOf(error: unknown): string {
  return isObject(error) && typeof error['code'] === 'string' ? error['code'] : String(error);
}
