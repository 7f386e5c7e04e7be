import { apiUrlOf, providerApi } from '../../inventory/credentials/provider-api.ts';
import { parseRepository } from '../../inventory/applications/repository.ts';
import {
  sourceProviders,
  type CredentialSettings,
  type SourceProviderCode,
} from '../../inventory/credentials/source-provider.ts';

/** Where git finds a repository, and what it signs in with there. */
export type GitSource = {
  /** Without user name and password. */
  url: string;
  /** The repository in a browser, without `.git`; null where that is not known. */
  webUrl: string | null;
  providerName: string;
  /** `origin` is the only place that may see the password; null for none. */
  login: { origin: string; username: string; password: string } | null;
};

export type GitCredential = { provider: SourceProviderCode; settings: CredentialSettings };

/** The user names under which the git hosts take an access token as the password. */
const tokenUsers = {
  github: 'x-access-token',
  gitlab: 'oauth2',
  bitbucket: 'x-token-auth',
  'bitbucket-data-center': 'x-token-auth',
} as const;

/**
 * `repository` is `owner/name` at the provider of the credential (GitHub without one), or a full URL. The token of the
 * credential goes to its own provider alone; an address for SSH at that provider is asked by HTTPS, with the token.
 */
export function gitSource(repository: string, credential: GitCredential | null): GitSource {
  const site = siteOf(credential);
  const url = /^https?:\/\//.test(repository) ? URL.parse(repository) : null;
  if (url) {
    const login = url.password
      ? { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
      : credential && url.origin === new URL(site.base).origin
        ? site.login
        : null;
    url.username = '';
    url.password = '';
    return {
      url: url.href,
      webUrl: url.href.replace(/\/*(\.git)?\/*$/, ''),
      providerName: site.name,
      login: login && { origin: url.origin, ...login },
    };
  }
  const parsed = parseRepository(repository);
  const sshHost = /^(?:ssh:\/\/)?(?:[^@/\s]+@)?([^/:\s]+)[:/]/.exec(repository)?.[1];
  const isUrl = /^[a-z+]+:\/\//.test(repository) || /^[^/\s@]+@[^/\s:]+:/.test(repository);
  const isAtSite = isUrl && credential !== null && sshHost === new URL(site.base).hostname;
  if (!parsed || (isUrl && !isAtSite)) {
    return { url: repository, webUrl: null, providerName: site.name, login: null };
  }
  const webUrl = site.webUrl(parsed.owner, parsed.name);
  return {
    url: site.cloneUrl(parsed.owner, parsed.name),
    webUrl,
    providerName: site.name,
    login: site.login && { origin: new URL(site.base).origin, ...site.login },
  };
}

function siteOf(credential: GitCredential | null) {
  const provider = credential?.provider ?? 'github';
  const { host, base: api } = providerApi(provider, apiUrlOf(provider, credential?.settings.api_url ?? null));
  const isPublic = api === sourceProviders[provider].apiUrl;
  const base = isPublic ? sourceProviders[provider].cloneUrl : siteUrl(api);
  const login = credential && { username: tokenUsers[host], password: credential.settings.access_token };
  const path = (owner: string, name: string) =>
    host === 'bitbucket-data-center' ? `/scm/${owner}/${name}.git` : `/${owner}/${name}.git`;
  return {
    base,
    name: sourceProviders[provider].name,
    login,
    cloneUrl: (owner: string, name: string) => base + path(owner, name),
    webUrl: (owner: string, name: string) =>
      host === 'bitbucket-data-center'
        ? `${base}/projects/${owner}/repos/${name}`
        : `${base}/${owner}/${name}`,
  };
}

/** What stands before the path of the API. A GitHub of one's own may have a host for it, `api.acme.ghe.com`. */
function siteUrl(api: string): string {
  const { origin, pathname } = new URL(api);
  if (pathname === '/') return origin.replace('://api.', '://');
  return origin + pathname.replace(/\/(api|rest)\/.*$/, '');
}

/** The page of a commit, by the address of its repository. */
export function commitUrl(webUrl: string, hash: string): string {
  const { hostname, pathname } = new URL(webUrl);
  const isBitbucket = hostname === 'bitbucket.org' || /\/projects\/[^/]+\/repos\/[^/]+$/.test(pathname);
  return `${webUrl}/${isBitbucket ? 'commits' : 'commit'}/${hash}`;
}
