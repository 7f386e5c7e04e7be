import { sourceProviders, type SourceProviderCode } from './source-provider.ts';

/** The APIs there are: Bitbucket Data Center has another one than the cloud. */
export type ProviderHost = 'github' | 'gitlab' | 'bitbucket' | 'bitbucket-data-center';

/** Where requests to the API of a provider begin, without a slash at the end. */
export type ProviderApi = { host: ProviderHost; base: string };

/** `apiUrl` is as `apiUrlOf` gives it, or as a user gave it. */
export function providerApi(provider: SourceProviderCode, apiUrl: string): ProviderApi {
  const url = apiUrl.replace(/\/+$/, '');
  if (provider === 'github') return { host: 'github', base: withPath(url, '/api/v3') };
  if (provider === 'gitlab') return { host: 'gitlab', base: withPath(url, '/api/v4') };
  if (!isDataCenter(url)) return { host: 'bitbucket', base: url };
  return {
    host: 'bitbucket-data-center',
    base: `${url.replace(/\/rest(\/api(\/[\w.]+)?)?$/, '')}/rest/api/latest`,
  };
}

/** The address that a credential gives, or the public one; that of the provider's own site is as good as that of its API. */
export function apiUrlOf(provider: SourceProviderCode, given: string | null): string {
  const { apiUrl, cloneUrl } = sourceProviders[provider];
  const url = given?.replace(/\/+$/, '') ?? '';
  return ['', cloneUrl, new URL(apiUrl).origin].includes(url) ? apiUrl : url;
}

/** Only what stands behind the host is completed: `https://git.example.com` alone is how people give it. */
function withPath(url: string, path: string): string {
  return /^https?:\/\/[^/]+$/.test(url) && !/^https?:\/\/api\./.test(url) ? url + path : url;
}

function isDataCenter(url: string): boolean {
  return url !== '' && !url.endsWith('/2.0') && !/^https?:\/\/api\.bitbucket\.org\b/.test(url);
}
