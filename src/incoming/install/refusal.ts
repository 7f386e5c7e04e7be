import type { ProviderHost } from '../../inventory/credentials/provider-api.ts';
import { isTemporary, waitAskedMs, type Answered } from '../../outgoing/retry-schedule.ts';
import { AppError } from '../../platform/errors.ts';
import { repositoryName, valueAt, type Repository } from './provider-hooks.ts';

export const hostNames: Record<ProviderHost, string> = {
  github: 'GitHub',
  gitlab: 'GitLab',
  bitbucket: 'Bitbucket',
  'bitbucket-data-center': 'Bitbucket Data Center',
};

/** When the provider does not say itself when to try again. */
export const retryAfterSeconds = 30;
/** The longest limits of a provider are for an hour. */
const mostWaitSeconds = 3600;
const mostComplaintCharacters = 200;

/** An answer other than 2xx, its body masked; `json` is undefined when it is none. */
type Refused = { answer: Answered; json: unknown };

/** What a refusal of a provider means for whoever asked Hookline: one sentence, or two, that say what to do. */
export function refusal(refused: Refused, repository: Repository, now: number): AppError {
  const { answer } = refused;
  const { status } = answer;
  const host = hostNames[repository.host];
  const name = repositoryName(repository);
  const complaint = complaintOf(refused.json);
  const waitSeconds = Math.min(Math.ceil(waitAskedMs(answer, now) / 1000), mostWaitSeconds);

  if (isTemporary(answer)) {
    const wait = waitSeconds || retryAfterSeconds;
    const isLimit = status === 429 || status === 403;
    return new AppError(
      isLimit ? 'too_many' : 'unavailable',
      isLimit
        ? `${host} takes no more requests with this token for now. Try again in ${wait} s.`
        : `${host} answered ${status}. Try again later.`,
      { retryAfterSeconds: wait },
    );
  }
  const conflict = (message: string) => new AppError('conflict', message);
  if (status >= 300 && status < 400)
    return conflict(
      `${host} answered ${status}, a redirect, which is not followed. Check whether ${name} was renamed or moved, and the api_url of the credential.`,
    );
  if (status === 401 || status === 403 || status === 404) return conflict(lacks(refused, repository));
  return conflict(`${host} refused the webhook for ${name} with ${status}${complaint}.`);
}

/** What answered is not the API that was meant. */
export function notTheApi(answer: Answered, repository: Repository): AppError {
  const type = printable(answer.headers['content-type']?.split(';')[0] ?? 'no content type').slice(0, 60);
  return new AppError(
    'conflict',
    `What answered ${answer.status} at ${repository.base} (${type}) is not the API of ${hostNames[repository.host]}. Check the api_url of the credential.`,
  );
}

function lacks(refused: Refused, repository: Repository): string {
  const { status } = refused.answer;
  const host = hostNames[repository.host];
  const name = repositoryName(repository);
  const known = lacking[repository.host](refused);
  if (known !== null) return `${host} does not let the token manage the webhooks of ${name}: ${known}.`;
  const { has } = needs[repository.host];
  if (status === 401)
    return `${host} does not accept the token: it is wrong, has expired or was revoked. Give the credential a new one, ${has}.`;
  if (status === 403)
    return `${host} does not let the token manage the webhooks of ${name}${complaintOf(refused.json)}. It must be ${has}.`;
  const hint = refused.json === undefined ? ' Check the api_url of the credential too.' : '';
  return `${name} was not found at ${host}, or the token may not see it or its webhooks. It must be ${has}.${hint}`;
}

/** What a token must be. */
const needs: Record<ProviderHost, { has: string }> = {
  github: {
    has: 'of an administrator of the repository, with the scope admin:repo_hook, or a fine-grained one with the permission Webhooks, read and write',
  },
  gitlab: { has: 'with the scope api, of at least a Maintainer of the project' },
  bitbucket: {
    has: 'of an administrator of the repository, with read and write access to webhooks, repositories and pull requests',
  },
  'bitbucket-data-center': { has: 'with the permission REPO_ADMIN, administration of the repository' },
};

/** What exactly is lacking, where the answer tells. */
const lacking: Record<ProviderHost, (refused: Refused) => string | null> = {
  github({ answer: { status, headers } }) {
    if (status === 401) return null;
    if (status === 403 && headers['x-github-sso'] !== undefined)
      return 'its organization wants single sign-on, for which the token must be authorized';
    const scopes = headers['x-oauth-scopes'];
    if (scopes !== undefined) {
      const accepted = words(headers['x-accepted-oauth-scopes'] ?? '');
      if (accepted.length === 0) accepted.push('admin:repo_hook', 'write:repo_hook');
      if (words(scopes).some((scope) => accepted.includes(scope))) return null;
      return `it has ${asList(words(scopes)) || 'no scope'}, and needs ${asList(accepted, 'or')}; a fine-grained token needs Webhooks, read and write`;
    }
    const permissions = headers['x-accepted-github-permissions'];
    if (status !== 403 || permissions === undefined) return null;
    return `it lacks the repository permission Webhooks, read and write (${printable(permissions)})`;
  },
  gitlab({ json }) {
    if (valueAt(json, 'error') !== 'insufficient_scope') return null;
    const scope = valueAt(json, 'scope');
    return `it lacks the scope ${typeof scope === 'string' ? asList(words(scope.replaceAll(' ', ',')), 'or') : 'api'}`;
  },
  bitbucket({ json }) {
    const required = textsIn(valueAt(json, 'error.detail.required'));
    if (required.length === 0) return null;
    const granted = textsIn(valueAt(json, 'error.detail.granted'));
    return `it has ${asList(granted) || 'no scope that fits'}, and needs ${asList(required)}`;
  },
  'bitbucket-data-center'({ answer: { status }, json }) {
    // Data Center answers 401 also to somebody whom it knows.
    const errors = valueAt(json, 'errors');
    const names = Array.isArray(errors) ? errors.map((error) => valueAt(error, 'exceptionName')) : [];
    const isKnown = names.some(
      (name) => typeof name === 'string' && name.endsWith('.AuthorisationException'),
    );
    if (status === 404 || (status === 401 && !isKnown)) return null;
    return `it lacks the permission REPO_ADMIN${complaintOf(json)}`;
  },
};

/** What the provider says itself, in short, as `: …`; empty where it says nothing in the usual places. */
function complaintOf(json: unknown): string {
  const errors = valueAt(json, 'errors');
  const said = [
    valueAt(json, 'message'),
    valueAt(json, 'error'),
    valueAt(json, 'error_description'),
    valueAt(json, 'error.message'),
    ...(Array.isArray(errors)
      ? errors.map((error) => (typeof error === 'string' ? error : valueAt(error, 'message')))
      : []),
  ].flatMap((one) => (typeof one === 'string' ? [one] : textsIn(one).slice(0, 3)));
  const text = printable([...new Set(said)].join(': '))
    .slice(0, mostComplaintCharacters)
    .replace(/\.$/, '');
  return text === '' ? '' : `: ${text}`;
}

/** All texts in a value, however deep a provider has put them. */
function textsIn(value: unknown, levels = 3): string[] {
  if (typeof value === 'string') return [printable(value)];
  if (typeof value !== 'object' || value === null || levels === 0) return [];
  return Object.values(value).flatMap((one) => textsIn(one, levels - 1));
}

function words(text: string): string[] {
  return text.split(',').map(printable).filter(Boolean);
}

function asList(texts: string[], last = 'and'): string {
  return texts.length < 2 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} ${last} ${texts.at(-1)!}`;
}

/** On one line, and no longer than anything that is worth reading. */
function printable(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, mostComplaintCharacters);
}
