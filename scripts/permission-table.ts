import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { predefinedRoles, roleKeys } from '../src/accounts/permissions.ts';
import {
  callerLabels,
  callers,
  permissionMatrix,
  permissionRows,
  type MatrixRow,
} from './permission-matrix.ts';

/*
 * Writes docs/permissions.md: the permissions, the predefined roles, and what each caller is answered by every call. With
 * `--check` it writes nothing, and ends with 1 when the file says something else.
 */

const file = fileURLToPath(new URL('../docs/permissions.md', import.meta.url));

/** The text of docs/permissions.md. */
export async function permissionPage(): Promise<string> {
  const roles = roleKeys.map((key) => `- **${key}**: ${predefinedRoles[key].description}`);
  const permissions = permissionRows().map(
    ({ permission, hint, roles: holders }) =>
      `| \`${permission}\` | ${hint} | ${roleKeys.map((key) => (holders.includes(key) ? 'yes' : '')).join(' | ')} |`,
  );
  const calls = (await permissionMatrix()).map(
    (row) =>
      `| \`${row.operationId}\` | \`${row.method} ${row.path}\` | ${needs(row)} | ${callers.map((caller) => row.answers[caller]).join(' | ')} |`,
  );
  return `${introduction(roles)}
## The permissions

| permission | lets its holder | ${roleKeys.join(' | ')} |
|---|---|${'---|'.repeat(roleKeys.length)}
${permissions.join('\n')}

## Every call, and what each caller is answered

The callers: the four predefined roles on the organization that holds the object; a member of another organization; an API
token with the role owner of another project of the same organization; a revoked token and an expired one of somebody who
might; and no token at all. \`ok\` is an answer that begins with 2.

What belongs to a person ("signed in") is ok with one's own, and 404 with somebody else's. The lists for "any token" hold what
the caller may see, which may be nothing. A project is created in an organization where the caller has \`project:create\`. An
incoming hook of an application needs \`application:read\` besides.

| operation | call | needs | ${callers.map((caller) => callerLabels[caller]).join(' | ')} |
|---|---|---|${'---|'.repeat(callers.length)}
${calls.join('\n')}
`;
}

function needs({ access, permission }: MatrixRow): string {
  if (permission !== null) return `\`${permission}\``;
  if (access === 'public') return 'nothing';
  return access === 'caller' ? 'any token' : 'signed in';
}

const introduction = (roles: string[]) => `# Who may do what

Made from the program by \`npx node scripts/permission-table.ts\`; a test checks that it is current, and another one tries
every cell of the last table against the running server on both databases.

Every call passes one check. It finds out who calls, from the token; where the object lies that the address names, in which
environment, project and organization; and whether the caller has the permission of the call there.

- **No token, one that is not known, revoked or expired**: 401.
- **What belongs to others**: 404, in the same words as for something that does not exist. The id tells nothing.
- **A permission that is missing** in a place that the caller may know of: 403, which names the permission.

## Roles

A role is a list of permissions. Each organization has these from the beginning; they stay as they are:

${roles.join('\n')}

Roles of your own are made with \`POST /api/organizations/{organization_id}/roles\`. A change of a role is in force at once for
everybody who has it. A permission that this version of Hookline does not know grants nothing.

## Teams

People get roles through teams. A team belongs to an organization, and is linked with a role to the organization itself, to a
project or to an environment. Its members have the role there and in everything that lies within: a role on a project counts in
all of its environments. One team may have different roles in several places, and one person may be in several teams; what they
grant adds up. Whoever creates an organization is its owner without a team.

Whoever has a role in a project or an environment sees the places around it: the project of an environment, and the organization,
each by its name. Nothing else of them is visible: not the project's other environments, nor the organization's members, teams,
roles, tokens, audit, nor its credentials but for the names of those that the environment can use.

When a member is removed, a team unlinked or a team deleted, what they could do through it ends at once, with every token they
have: sessions and personal access tokens carry no permissions of their own. With a member who is removed end the team's open
public invitations, and those that they made, by which they could come back.

## API tokens of projects

A token of a project, for programs, has one role in that project and nothing anywhere else. It is no person: what is about a
person (an account, its tokens, accepting an invitation, founding an organization) is answered 403. It goes on working when
whoever made it leaves, so look through a project's tokens then.

## Nobody gives away more than they have

Creating or changing a role, giving a team a role, inviting somebody to a team, and creating or rotating a project's token need,
besides their own permission, every permission that is given away, in the place where it would be had. Who lacks one is answered
403, which names what is lacking. An invitation is worth what whoever made it may give away when it is accepted: it ends when they
are removed, or when the team gets a role that is beyond them. To change something one must be able to see it: a role that holds
\`hook:update\` must hold \`hook:read\` too.

Taking away is not giving: who has \`team:update\` may remove members and roles of any team of the organization.

## What a role cannot hold back

Pipelines without servers run on the machine of Hookline, as its user, which can read its database and key. Whoever may change a
pipeline and run it (\`pipeline:create\` or \`pipeline:update\`, with \`pipeline:run\`, \`application:deploy\`, \`action:retry\` or a
hook) has in effect that user's access, beyond all roles and organizations, and whoever founds an organization may do so in it:
give accounts to people whom you would let sign in there. Templates of outgoing hooks may send the access token of the
application's source provider wherever the hook points, so \`hook:create\` and \`hook:update\` are worth that token.

`;

if (import.meta.main) {
  const text = await permissionPage();
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(
      'docs/permissions.md is not what the program says: run npx node scripts/permission-table.ts',
    );
    process.exitCode = 1;
  }
}
