/** What stands before the operations. */
export function info(version: string): object {
  return {
    title: 'Hookline',
    version,
    summary: 'Self-hosted webhooks for deployments.',
    description,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  };
}

const description = `
A signed request comes in, becomes a run of a pipeline (an *action*), and every change of that run goes out again as an
HTTP request. This is the API that sets it up and tells what happened.

## Signing in

Send \`Authorization: Bearer <token>\` with every call that needs a token. A token is either the access token that
\`POST /users/login\` answers with, which lasts a day and is renewed by \`POST /users/refresh-token\`, a personal access
token from \`POST /users/personal-access-tokens\` which may do whatever you may do, or an API token of a project from
\`POST /projects/{project_id}/tokens\`, which has one role in that project and is best for programs.

The dashboard signs in with \`POST /session\` instead, which sets a cookie. It counts where no \`Authorization\` is sent; calls
that are neither GET nor HEAD must then carry the header \`x-hookline-csrf: 1\`.

What belongs to others is answered with 404, as if it did not exist. Where a permission is missing, the answer is 403 and
names the permission.

## Bodies and lists

JSON in and out, names in snake_case, times in ISO 8601 and UTC. What is created is answered with 201 and the object; a
change and a deletion with 204 and nothing.

Lists take \`page\`, from 1, and \`per_page\`, at most 100 and 20 if left out. They are newest first. The header \`Link\`
holds the addresses of the first, previous, next and last page.

## Errors

Every error has the same form: \`{"message": "…", "errors": [{"field": "…", "message": "…"}]}\`. \`errors\` names every
fault of the request at once, by the dotted path of its field, and is null where no field is at fault. Every answer has the
header \`x-request-id\`, which names the request in the log.

## Limits

A token may send 3000 requests a minute, and an address twice as many, unless the operator has set
\`HOOKLINE_REQUESTS_PER_MINUTE\` otherwise. Triggers of hooks are not counted. Signing in is limited per address and per account. Who
sends too much is answered with 429, and the header \`Retry-After\` says after how many seconds to try again.

A body of the API itself is at most 1 MiB; that of a trigger at most 25 MiB unless the operator has set
\`HOOKLINE_MAX_BODY_BYTES\` otherwise.

## Clients

Every operation has a stable id, every body and answer a named schema, so a client can be generated from
this document, \`/api/openapi.json\`, in the language of your choice. Fields may be added to answers at any time: a client should
ignore those that it does not know.
`.trim();
