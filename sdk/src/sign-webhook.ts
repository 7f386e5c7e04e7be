import { hmac, joinBytes, toBase64, toBinary, toHex, type HmacAlgorithm } from './hmac.ts';
import { signatureRow, type SignatureScheme } from './signature-schemes.ts';
import { listSecrets, standardKey, type WebhookSecret } from './webhook-secret.ts';

/** What is left out, or null, is as the scheme has it: the fields of an incoming hook can be given as they are. */
export type SignWebhookOptions = {
  /** The hook's `signature_scheme`; `standard-webhooks`, as outgoing hooks sign, when left out. */
  scheme?: SignatureScheme | (string & {}) | null;
  /** The hook's `secret_header_name`. */
  header?: string | null;
  /** The hook's `secret_algorithm`. */
  algorithm?: HmacAlgorithm | (string & {}) | null;
  /** The hook's `signature_encoding`. */
  encoding?: 'hex' | 'base64' | (string & {}) | null;
  /** The hook's `signature_prefix`. */
  prefix?: string | null;
  /** Of the delivery, where the scheme signs it; a new one when left out. */
  id?: string;
  /** When it is sent, where the scheme signs that; now when left out. */
  sentAt?: Date;
};

/**
 * The headers that prove to a receiver, or to an incoming hook of Hookline, that `body` comes from who has the secret. The
 * body must be sent as it was given here, byte for byte. Several secrets make several signatures, where the scheme has
 * room for them. Throws a TypeError for a secret or a scheme that is none.
 */
export async function signWebhook(
  body: string | Uint8Array,
  secret: WebhookSecret,
  options: SignWebhookOptions = {},
): Promise<Record<string, string>> {
  const scheme = options.scheme ?? 'standard-webhooks';
  const row = signatureRow(scheme);
  const header = (options.header ?? row.header).toLowerCase();
  const secrets = listSecrets(secret);
  if (secrets.length > 1 && row.separator === null)
    throw new TypeError(`A request of the scheme ${scheme} is signed with one secret.`);
  if (row.key === 'token') return { [header]: toBinary(joinBytes(secrets[0])) };

  const told = {
    id: options.id ?? `msg_${toHex(crypto.getRandomValues(new Uint8Array(16)))}`,
    time: String(Math.floor((options.sentAt ?? new Date()).getTime() / 1000)),
  };
  const algorithm = algorithmOf(options.algorithm ?? row.algorithm);
  const encode = (options.encoding ?? row.encoding) === 'base64' ? toBase64 : toHex;
  const prefix = options.prefix ?? row.prefix ?? `${algorithm}=`;
  const signed = joinBytes(row.before(told), body);
  const signatures = await Promise.all(
    secrets.map(async (one) => {
      const key = row.key === 'standard' ? standardKey(one) : joinBytes(one);
      return prefix + encode(await hmac(algorithm, key, signed));
    }),
  );
  return { ...row.beside(told), [header]: row.lead(told) + signatures.join(row.separator ?? '') };
}

function algorithmOf(name: string): HmacAlgorithm {
  if (name === 'sha1' || name === 'sha256' || name === 'sha512') return name;
  throw new TypeError(`There is no algorithm ${name}; there are sha1, sha256, sha512.`);
}
