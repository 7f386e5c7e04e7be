import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import type { StepLimits } from './actions/executors/step-limits.ts';
import { ConfigFault } from './platform/config-fault.ts';
import { ensureKeyFile, keyFilePath, watchKeyFile } from './platform/key-file.ts';
import { parseKey, type Keys, type KeySource } from './platform/secret-box.ts';

type Role = 'all' | 'api' | 'worker';
type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export type Config = {
  host: string;
  /** 0 lets the system choose; the address printed at start names the real one. */
  port: number;
  /** Public address without a trailing slash, or null until the port is known. */
  publicUrl: string | null;
  dataDirectory: string;
  databaseUrl: string | null;
  /** The current key first, or null: then the key file in the data directory is used, and made on the first start. */
  secretKeys: Keys | null;
  role: Role;
  adminEmail: string;
  adminPassword: string | null;
  /** CIDR ranges that outgoing requests may reach although private. */
  egressAllow: string[];
  maxBodyBytes: number;
  /** Addresses or ranges whose `X-Forwarded-*` headers are believed. */
  trustProxy: string[];
  retentionDays: number;
  logLevel: LogLevel;
  maxRunningActions: number;
  /** How long a node that is told to stop lets go on what runs. */
  drainSeconds: number;
  /** Who steps on the machine of Hookline run as that name no user; null for its own user. */
  localUser: string | null;
  localLimits: StepLimits;
  /** Of one token to the API; triggers of hooks are not counted. */
  requestsPerMinute: number;
  /** `smtp://` or `smtps://`, or null: then invitations are handed over by hand. */
  smtpUrl: string | null;
  mailFrom: string;
};

type Variable<Key extends keyof Config> = {
  key: Key;
  meaning: string;
  secret?: boolean;
  fallback: Config[Key];
  parse: (text: string) => Config[Key];
};

const variable = <Key extends keyof Config>(definition: Variable<Key>): Variable<Key> => definition;

/** Every setting there is: `hookline config` prints this table, `docs/configuration.md` repeats it. */
const variables = {
  HOOKLINE_HOST: variable({
    key: 'host',
    fallback: '127.0.0.1',
    parse: text,
    meaning: 'address to listen on',
  }),
  PORT: variable({ key: 'port', fallback: 8080, parse: wholeNumber(0, 65535), meaning: 'port to listen on' }),
  HOOKLINE_URL: variable({
    key: 'publicUrl',
    fallback: null,
    parse: httpUrl,
    meaning: 'public address, used in hook URLs and permalinks (default http://localhost:PORT)',
  }),
  HOOKLINE_DATA: variable({
    key: 'dataDirectory',
    fallback: resolve('data'),
    parse: (value) => resolve(text(value)),
    meaning: 'SQLite file, key file, workspaces',
  }),
  DATABASE_URL: variable({
    key: 'databaseUrl',
    secret: true,
    fallback: null,
    parse: postgresUrl,
    meaning: 'postgres://… switches from SQLite to PostgreSQL',
  }),
  HOOKLINE_SECRET_KEY: variable({
    key: 'secretKeys',
    secret: true,
    fallback: null,
    parse: secretKeys,
    meaning:
      'encrypts secrets: 32 bytes in base64 or hex, older keys after it, comma separated; required with PostgreSQL (default: a file in HOOKLINE_DATA)',
  }),
  HOOKLINE_ROLE: variable({
    key: 'role',
    fallback: 'all',
    parse: oneOf(['all', 'api', 'worker'] as const),
    meaning: 'all, api (HTTP only) or worker (runs and delivers only)',
  }),
  HOOKLINE_ADMIN_EMAIL: variable({
    key: 'adminEmail',
    fallback: 'admin@localhost',
    parse: text,
    meaning: 'the first administrator, on an empty database only',
  }),
  HOOKLINE_ADMIN_PASSWORD: variable({
    key: 'adminPassword',
    secret: true,
    fallback: null,
    parse: password,
    meaning: 'the first password (default: generated and printed once)',
  }),
  HOOKLINE_EGRESS_ALLOW: variable({
    key: 'egressAllow',
    fallback: [],
    parse: addressRanges,
    meaning: 'private ranges that outgoing hooks may reach, as CIDR, comma separated',
  }),
  HOOKLINE_MAX_BODY_BYTES: variable({
    key: 'maxBodyBytes',
    fallback: 25 * 1024 * 1024,
    parse: wholeNumber(1024, 1024 ** 3),
    meaning: 'limit of an incoming body, in bytes',
  }),
  HOOKLINE_TRUST_PROXY: variable({
    key: 'trustProxy',
    fallback: [],
    parse: addressRanges,
    meaning: 'addresses or ranges whose X-Forwarded-* headers are believed, comma separated',
  }),
  HOOKLINE_RETENTION_DAYS: variable({
    key: 'retentionDays',
    fallback: 30,
    parse: wholeNumber(1, 36_500),
    meaning: 'requests, deliveries and logs older than this are pruned',
  }),
  HOOKLINE_REQUESTS_PER_MINUTE: variable({
    key: 'requestsPerMinute',
    fallback: 3000,
    parse: wholeNumber(60, 1_000_000),
    meaning: 'requests to the API per token and minute; an address may send twice as many',
  }),
  HOOKLINE_SMTP_URL: variable({
    key: 'smtpUrl',
    secret: true,
    fallback: null,
    parse: smtpUrl,
    meaning: 'smtp://user:password@host:587 or smtps://…, to send invitations by e-mail',
  }),
  HOOKLINE_MAIL_FROM: variable({
    key: 'mailFrom',
    fallback: 'hookline@localhost',
    parse: text,
    meaning: 'the sender of e-mails',
  }),
  HOOKLINE_LOG_LEVEL: variable({
    key: 'logLevel',
    fallback: 'info',
    parse: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const),
    meaning: 'fatal, error, warn, info, debug, trace or silent',
  }),
  HOOKLINE_MAX_RUNNING_ACTIONS: variable({
    key: 'maxRunningActions',
    fallback: 16,
    parse: wholeNumber(1, 1000),
    meaning: 'actions that one node runs at the same time',
  }),
  HOOKLINE_DRAIN_SECONDS: variable({
    key: 'drainSeconds',
    fallback: 20,
    parse: wholeNumber(0, 86_400),
    meaning: 'how long running actions may go on after SIGTERM; then they are ended and failed',
  }),
  HOOKLINE_LOCAL_USER: variable({
    key: 'localUser',
    fallback: null,
    parse: userName,
    meaning: 'user that steps on the target local run as, through sudo (default the user of Hookline)',
  }),
  HOOKLINE_LOCAL_LIMITS: variable({
    key: 'localLimits',
    fallback: {},
    parse: stepLimits,
    meaning: 'limits of a step on the target local, e.g. memory=2048,processes=256,file=1024,cpu=600 (MB, s)',
  }),
};

/** Of the commands of the client, which may be set where a server starts too. */
const clientVariables: ReadonlySet<string> = new Set([
  'HOOKLINE_TOKEN',
  'HOOKLINE_PROFILE',
  'HOOKLINE_ENVIRONMENT',
  'HOOKLINE_HOOK_SECRET',
]);

/** What `hookline config` shows: one row per variable, secrets masked. */
export type ConfigRow = { name: string; value: string; source: 'environment' | 'default'; meaning: string };

/** Reads the environment once. Throws ConfigFault with every fault, an unknown `HOOKLINE_` variable included. */
export function readConfig(env: NodeJS.ProcessEnv): { config: Config; rows: ConfigRow[] } {
  const faults: string[] = [];
  const rows: ConfigRow[] = [];
  const config: Record<string, unknown> = {};

  for (const name of Object.keys(env)) {
    if (name.startsWith('HOOKLINE_') && !(name in variables) && !clientVariables.has(name)) {
      faults.push(`${name} is not a setting of Hookline${nearest(name)}`);
    }
  }
  for (const [name, { key, fallback, parse, secret, meaning }] of Object.entries(variables)) {
    const given = env[name];
    const isSet = given !== undefined && given !== '';
    try {
      config[key] = isSet ? parse(given) : fallback;
    } catch (error) {
      faults.push(`${name}: ${error instanceof Error ? error.message : 'cannot be read'}.`);
    }
    const shown = isSet
      ? given
      : typeof fallback === 'object'
        ? Object.values(fallback ?? {}).join(',')
        : String(fallback);
    rows.push({
      name,
      value: secret && shown ? '********' : shown,
      source: isSet ? 'environment' : 'default',
      meaning,
    });
  }
  // Safe: the loop above has filled every key of the table, whose keys are typed, or has noted a fault.
  const complete = config as unknown as Config;
  if (complete.databaseUrl && !env['HOOKLINE_SECRET_KEY']) {
    faults.push(
      'HOOKLINE_SECRET_KEY is required with DATABASE_URL, since every node needs the same key. Make one with: openssl rand -base64 32.',
    );
  }
  if (faults.length > 0) throw new ConfigFault(faults.join('\n'));
  return { config: complete, rows };
}

/** The keys that encrypt secrets: from the environment, else from `secret.key` in the data directory, made with mode 0600. */
export function openKeys(config: Config): KeySource {
  const { secretKeys } = config;
  if (secretKeys) return () => secretKeys;
  const file = keyFilePath(config.dataDirectory);
  ensureKeyFile(file);
  return watchKeyFile(file);
}

function userName(value: string): string {
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(value)) throw new Error(`"${value}" is not the name of a user`);
  return value;
}

const limitNames = {
  memory: 'memoryMb',
  processes: 'processes',
  file: 'fileMb',
  cpu: 'cpuSeconds',
} as const satisfies Record<string, keyof StepLimits>;

function stepLimits(value: string): StepLimits {
  const limits: StepLimits = {};
  for (const part of value.split(',')) {
    const [name, number = '', ...more] = part.trim().split('=');
    const key = Object.hasOwn(limitNames, name!) ? limitNames[name as keyof typeof limitNames] : null;
    if (!key || !/^[1-9]\d{0,9}$/.test(number) || more.length > 0) {
      throw new Error(`"${part}" is none of memory=MB, processes=number, file=MB and cpu=seconds`);
    }
    if (limits[key] !== undefined) throw new Error(`"${name}" is given twice`);
    limits[key] = Number(number);
  }
  return limits;
}

function text(value: string): string {
  return value.trim();
}

/** As it is given, spaces too. */
function password(value: string): string {
  if (value.length < 8) throw new Error('it must have at least 8 characters');
  return value;
}

function wholeNumber(least: number, most: number) {
  return (value: string): number => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > most) {
      throw new Error(`"${value}" is not a whole number from ${least} to ${most}`);
    }
    return number;
  };
}

function oneOf<const Choice extends string>(choices: readonly Choice[]) {
  return (value: string): Choice => {
    const found = choices.find((choice) => choice === value);
    if (!found) throw new Error(`"${value}" is none of ${choices.join(', ')}`);
    return found;
  };
}

function httpUrl(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new Error(`"${value}" is not an http:// or https:// address`);
  }
  return value.replace(/\/+$/, '');
}

function smtpUrl(value: string): string {
  const url = URL.parse(value);
  if (url && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname) return value;
  throw new Error('must begin with smtp:// or smtps:// and name a host');
}

function postgresUrl(value: string): string {
  if (!/^postgres(ql)?:\/\//.test(value)) throw new Error('it must begin with postgres://');
  return value;
}

function secretKeys(value: string): Keys {
  const [current, ...older] = value.split(',').map((part) => {
    const key = parseKey(part);
    if (!key)
      throw new Error(
        'each key must be 32 bytes in base64 or hex, with a comma between keys; make one with: openssl rand -base64 32',
      );
    return key;
  });
  return [current!, ...older];
}

function addressRanges(value: string): string[] {
  const ranges = value
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  for (const range of ranges) {
    if (!ipaddr.isValid(range) && !ipaddr.isValidCIDR(range)) {
      throw new Error(`"${range}" is neither an address nor a range such as 10.0.0.0/8`);
    }
  }
  return ranges;
}

function nearest(name: string): string {
  const words = new Set(name.split('_'));
  const shared = (known: string) => known.split('_').filter((word) => words.has(word)).length;
  const best = Object.keys(variables).sort((a, b) => shared(b) - shared(a))[0];
  return best && shared(best) > 1 ? `; did you mean ${best}?` : '; `npx hookline config` lists them all.';
}
