import type { SecretBox } from '../../platform/secret-box.ts';
import type { CredentialRow } from './store.ts';

/** The git hosts there are; self-hosted ones have an `apiUrl` of their own. */
export const sourceProviders = {
  github: { name: 'GitHub', apiUrl: 'https://api.github.com', cloneUrl: 'https://github.com' },
  gitlab: { name: 'GitLab', apiUrl: 'https://gitlab.com/api/v4', cloneUrl: 'https://gitlab.com' },
  bitbucket: {
    name: 'Bitbucket',
    apiUrl: 'https://api.bitbucket.org/2.0',
    cloneUrl: 'https://bitbucket.org',
  },
} as const;

export type SourceProviderCode = keyof typeof sourceProviders;

// Safe: the keys of the very table.
export const sourceProviderCodes = Object.keys(sourceProviders) as SourceProviderCode[];

export type CredentialSettings = { access_token: string; api_url: string | null };

export function sealSettings(box: SecretBox, settings: CredentialSettings): string {
  return box.seal(JSON.stringify(settings), 'credential');
}

export function openSettings(
  box: SecretBox,
  row: Pick<CredentialRow, 'settings_sealed'>,
): CredentialSettings {
  // Safe: only `sealSettings` writes this column, and the box proves that it was not altered.
  return JSON.parse(box.open(row.settings_sealed, 'credential')) as CredentialSettings;
}
