import { isIP } from 'node:net';
import { sourceProviders, type SourceProviderCode } from '../../inventory/credentials/source-provider.ts';
import { createEgressGuard, EgressRefused } from '../../platform/egress-guard.ts';
import { AppError } from '../../platform/errors.ts';
import { hostNames } from './refusal.ts';
import type { Repository } from './provider-hooks.ts';

/**
 * What speaks against the provider's requests arriving at the public address, as warnings. Throws `conflict` when a
 * provider on the internet can never reach it.
 */
export function checkReachable(
  publicUrl: string,
  provider: SourceProviderCode,
  repository: Repository,
): string[] {
  const { protocol, hostname } = new URL(publicUrl);
  const host = hostNames[repository.host];
  const warnings: string[] = [];
  if (isPrivate(hostname)) {
    if (isPublicCloud(provider, repository)) {
      const message = `${host} cannot reach ${publicUrl}: set HOOKLINE_URL to an address that is known on the internet.`;
      throw new AppError('conflict', message);
    }
    warnings.push(
      `HOOKLINE_URL is ${publicUrl}, which is known on this machine or network alone: ${host} must be there too.`,
    );
  }
  if (protocol === 'http:')
    warnings.push(`HOOKLINE_URL is not https: what ${host} sends can be read and changed on its way.`);
  return warnings;
}

function isPublicCloud(provider: SourceProviderCode, { base }: Repository): boolean {
  const { hostname } = new URL(base);
  return hostname === new URL(sourceProviders[provider].apiUrl).hostname || hostname.endsWith('.ghe.com');
}

const nothingAllowed = createEgressGuard([]);

/** By its form: what a name leads to from where the provider is, nobody here knows. */
function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (!isIP(host)) return !host.includes('.') || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
  try {
    nothingAllowed.check(host);
    return false;
  } catch (error) {
    if (error instanceof EgressRefused) return true;
    throw error;
  }
}
