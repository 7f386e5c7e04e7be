import type { IncomingDefinition } from '../../hooks/definition.ts';
import { signatureScheme } from '../../hooks/signature-schemes.ts';
import type { ProviderHost } from '../../inventory/credentials/provider-api.ts';
import { AppError } from '../../platform/errors.ts';
import { providerRow, type SecretUse, type WantedHook } from './provider-hooks.ts';
import { hostNames } from './refusal.ts';

/** How a hook checks its requests; without a scheme by the header and the algorithm alone. */
type Checking = Pick<
  IncomingDefinition,
  | 'requires_secret'
  | 'secret_algorithm'
  | 'secret_header_name'
  | 'signature_scheme'
  | 'signature_encoding'
  | 'signature_prefix'
>;

type Fitting = {
  schemes: Record<string, SecretUse>;
  /** What a provider's signature is to a hook that names header and algorithm itself. */
  headers: { name: string; algorithm: string }[];
  advice: string;
};

const bitbucket: Fitting = {
  schemes: { bitbucket: 'sign' },
  headers: [{ name: 'x-hub-signature', algorithm: 'sha256' }],
  advice:
    'Bitbucket signs with sha256 in the header x-hub-signature: give the hook signature_scheme "bitbucket".',
};

/** FIELD.md, "Verifying incoming requests". */
const fitting: Record<ProviderHost, Fitting> = {
  github: {
    schemes: { github: 'sign' },
    headers: [
      { name: 'x-hub-signature-256', algorithm: 'sha256' },
      { name: 'x-hub-signature', algorithm: 'sha1' },
    ],
    advice:
      'GitHub signs with sha256 in the header x-hub-signature-256: give the hook signature_scheme "github".',
  },
  gitlab: {
    // Its signing token is that of Standard Webhooks.
    schemes: { 'gitlab-token': 'send', 'gitlab-signed': 'sign', 'standard-webhooks': 'sign' },
    headers: [],
    advice:
      'GitLab sends the token itself: give the hook signature_scheme "gitlab-token", or "gitlab-signed" for its signing token.',
  },
  bitbucket,
  'bitbucket-data-center': bitbucket,
};

const asItIs = 'Leave its header, algorithm, encoding and prefix as the scheme has them.';

/** What the provider is to do with the secret of a hook, or what must be changed for its requests to be accepted. */
function fitsProvider(
  { signature_scheme, signature_encoding, signature_prefix, ...given }: Checking,
  host: ProviderHost,
): { use: SecretUse } | { advice: string } {
  const { schemes, headers, advice } = fitting[host];
  const { secret_algorithm, secret_header_name } = given;
  const row = signatureScheme(signature_scheme ?? 'hmac');
  if (signature_scheme && signature_scheme !== 'hmac') {
    const use = Object.hasOwn(schemes, signature_scheme) ? schemes[signature_scheme] : undefined;
    const isAsSent =
      secret_header_name === row.header &&
      secret_algorithm === row.algorithm &&
      !signature_encoding &&
      !signature_prefix;
    return use && isAsSent ? { use } : { advice: use ? `${advice} ${asItIs}` : advice };
  }
  const isKnown = headers.some(
    ({ name, algorithm }) => name === secret_header_name && algorithm === secret_algorithm,
  );
  if (isKnown && (signature_encoding === 'base64' || signature_prefix))
    return { advice: `${advice} ${asItIs}` };
  return isKnown ? { use: 'sign' } : { advice };
}

/** Throws `conflict` for a hook whose sender is none that Hookline can register it at. */
export function checkInstallable({ requires_secret, signature_scheme }: Checking): void {
  const scheme = signature_scheme ?? 'hmac';
  const isKnown = Object.values(fitting).some(({ schemes }) => Object.hasOwn(schemes, scheme));
  if (!requires_secret || scheme === 'hmac' || isKnown) return;
  const { sender } = signatureScheme(scheme);
  const message = `Hooks can be installed at GitHub, GitLab and Bitbucket. This one checks requests as ${sender} signs them: enter its URL there.`;
  throw new AppError('conflict', message);
}

/** The secret as the provider takes it; null for a hook that takes unsigned requests. Throws `conflict`. */
export function secretFor(
  definition: Checking,
  secret: string | null,
  host: ProviderHost,
): WantedHook['secret'] {
  if (!definition.requires_secret) return null;
  const fit = fitsProvider(definition, host);
  if ('advice' in fit) throw new AppError('conflict', fit.advice);
  if (secret === null) throw new AppError('conflict', 'The hook has no secret yet: give it one first.');
  const most = providerRow(host).mostSecretCharacters;
  if (most !== null && secret.length > most) {
    const message = `${hostNames[host]} takes secrets of at most ${most} characters: give the hook a shorter one with rotate-secret.`;
    throw new AppError('conflict', message);
  }
  if (host === 'gitlab' && fit.use === 'sign' && !/^whsec_[A-Za-z0-9+/]{43}=$/.test(secret)) {
    const message =
      'The signing token of GitLab is whsec_ and 32 bytes in base64: give the hook such a secret with rotate-secret.';
    throw new AppError('conflict', message);
  }
  return { text: secret, use: fit.use };
}
