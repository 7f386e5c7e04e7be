/** The headers of answers, described once. */
export const headerComponents = {
  'x-request-id': {
    description: 'Names this request in the log.',
    required: true,
    schema: { type: 'string' },
    example: '0b9f6c3e-6a0f-4d0e-9a51-3f1c2f7f8a10',
  },
  link: {
    description: 'The pages of the list (RFC 8288): `first`, `prev`, `next` and `last`.',
    required: true,
    schema: { type: 'string' },
    example:
      '</api/projects?page=1&per_page=20>; rel="first", </api/projects?page=1&per_page=20>; rel="last"',
  },
  'x-devopness-action-id': {
    description: 'The id of the action that this call has started.',
    schema: { type: 'string' },
    example: '42',
  },
  'retry-after': {
    description: 'Seconds to wait before the next attempt.',
    required: true,
    schema: { type: 'string' },
    example: '30',
  },
  'www-authenticate': {
    description: 'The scheme to sign in with.',
    required: true,
    schema: { type: 'string' },
    example: 'Bearer',
  },
};

type HeaderName = keyof typeof headerComponents;

/** References to the headers of one answer; `status` is that of an error which every route answers alike. */
export function headersOf(answer: {
  status?: number;
  isList?: boolean;
  startsAction?: boolean;
}): Record<string, { $ref: string }> {
  const names: HeaderName[] = ['x-request-id'];
  if (answer.isList) names.push('link');
  if (answer.startsAction) names.push('x-devopness-action-id');
  if (answer.status === 429) names.push('retry-after');
  if (answer.status === 401) names.push('www-authenticate');
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
