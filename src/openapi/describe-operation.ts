import type { Access } from '../accounts/access.ts';
import type { ApiRoute } from './collect-routes.ts';

/** What a route says of itself, and the sentences that follow from its access, its list and its action. */
export function describeOperation(route: ApiRoute): string {
  const sentences = [
    needs(route.config.access),
    ...(isList(route)
      ? ['The list is newest first and comes in pages; the header `Link` has the addresses of the others.']
      : []),
    ...(route.config.startsAction
      ? ['The header `x-devopness-action-id` of the answer names the action that this starts.']
      : []),
  ];
  return [route.schema.description, sentences.join(' ')].filter(Boolean).join('\n\n');
}

/** A list is an array in pages. */
export function isList({ schema }: ApiRoute): boolean {
  return schema.response?.['200']?.type === 'array' && schema.querystring?.properties?.['page'] !== undefined;
}

function needs(access: Access | undefined): string {
  if (access === 'public') return 'Needs no token.';
  if (access === 'caller') return 'Any token will do; it shows what the token may see.';
  if (typeof access !== 'object')
    return 'Needs the token of a person: that of a session, or a personal access token.';
  return `Needs the permission \`${access.permission}\` where ${place(access)} lives.`;
}

function place(access: Exclude<Access, string>): string {
  if ('param' in access) return `the ${access.on.replaceAll('_', ' ')}`;
  return access.on === 'named-in-body' ? 'the resource that the body names' : 'the resource';
}
