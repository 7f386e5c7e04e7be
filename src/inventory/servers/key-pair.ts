import ssh2 from 'ssh2';
import { invalid } from '../../platform/errors.ts';

/** Both halves as text: the private one in OpenSSH's form, the public one as a line of `authorized_keys`. */
export type KeyPair = { privateKey: string; publicKey: string };

/** Makes an ed25519 pair, or takes the given private key. Throws `invalid` when that cannot be read. */
export function keyPair(given: string | undefined, comment: string): KeyPair {
  const privateKey = given ?? generate(comment);
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) {
    const message = /passphrase|encrypted/i.test(parsed.message)
      ? 'is protected by a passphrase; give a key without one'
      : 'is not a private key in OpenSSH or PEM form';
    throw invalid([{ field: 'ssh_private_key', message }]);
  }
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (!key?.isPrivateKey())
    throw invalid([{ field: 'ssh_private_key', message: 'is a public key; give the private one' }]);
  return { privateKey, publicKey: `${key.type} ${key.getPublicSSH().toString('base64')} ${comment}` };
}

/** ssh2 writes one ed25519 key in a few hundred in a form that it cannot read itself; such a one is made again. */
function generate(comment: string): string {
  for (;;) {
    const { private: key } = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}
