import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { folderName, releaseName, sourceOf } from '../src/actions/releases/deployment.ts';
import { commitUrl, gitSource } from '../src/actions/releases/git-source.ts';
import type { GitCredential } from '../src/actions/releases/git-source.ts';

const credential = (provider: GitCredential['provider'], api_url: string | null = null): GitCredential => ({
  provider,
  settings: { access_token: 'tok', api_url },
});

/** The address, the page and who signs in where; `-` for nobody. */
function summary(repository: string, given: GitCredential | null = null): string {
  const { url, webUrl, login } = gitSource(repository, given);
  const who = login ? `${login.username}:${login.password}@${login.origin}` : '-';
  return `${url} ${webUrl} ${who}`;
}

describe('where git finds a repository', () => {
  for (const [repository, given, expected] of [
    ['acme/web', null, 'https://github.com/acme/web.git https://github.com/acme/web -'],
    [
      'acme/web',
      credential('github'),
      'https://github.com/acme/web.git https://github.com/acme/web x-access-token:tok@https://github.com',
    ],
    [
      'acme/web.git',
      credential('github', 'https://api.github.com'),
      'https://github.com/acme/web.git https://github.com/acme/web x-access-token:tok@https://github.com',
    ],
    [
      'acme/web',
      credential('github', 'https://github.com/'),
      'https://github.com/acme/web.git https://github.com/acme/web x-access-token:tok@https://github.com',
    ],
    [
      'acme/web',
      credential('github', 'https://git.example.com'),
      'https://git.example.com/acme/web.git https://git.example.com/acme/web x-access-token:tok@https://git.example.com',
    ],
    [
      'acme/web',
      credential('github', 'https://git.example.com:8443/api/v3/'),
      'https://git.example.com:8443/acme/web.git https://git.example.com:8443/acme/web x-access-token:tok@https://git.example.com:8443',
    ],
    [
      'acme/web',
      credential('github', 'https://api.acme.ghe.com'),
      'https://acme.ghe.com/acme/web.git https://acme.ghe.com/acme/web x-access-token:tok@https://acme.ghe.com',
    ],
    [
      'group/sub/web',
      credential('gitlab'),
      'https://gitlab.com/group/sub/web.git https://gitlab.com/group/sub/web oauth2:tok@https://gitlab.com',
    ],
    [
      'acme/web',
      credential('gitlab', 'https://example.com/gitlab/api/v4'),
      'https://example.com/gitlab/acme/web.git https://example.com/gitlab/acme/web oauth2:tok@https://example.com',
    ],
    [
      'acme/web',
      credential('gitlab', 'http://api/api/v4'),
      'http://api/acme/web.git http://api/acme/web oauth2:tok@http://api',
    ],
    [
      'acme/web',
      credential('bitbucket'),
      'https://bitbucket.org/acme/web.git https://bitbucket.org/acme/web x-token-auth:tok@https://bitbucket.org',
    ],
    [
      'PRJ/web',
      credential('bitbucket', 'https://git.example.com'),
      'https://git.example.com/scm/PRJ/web.git https://git.example.com/projects/PRJ/repos/web x-token-auth:tok@https://git.example.com',
    ],
    [
      '~ada/web',
      credential('bitbucket', 'https://example.com/bb/rest/api/1.0'),
      'https://example.com/bb/scm/~ada/web.git https://example.com/bb/projects/~ada/repos/web x-token-auth:tok@https://example.com',
    ],
    // Full addresses: the token goes along only to its own provider.
    [
      'https://github.com/acme/web',
      credential('github'),
      'https://github.com/acme/web https://github.com/acme/web x-access-token:tok@https://github.com',
    ],
    [
      'https://github.com/acme/web.git',
      null,
      'https://github.com/acme/web.git https://github.com/acme/web -',
    ],
    [
      'https://elsewhere.example/acme/web.git',
      credential('github'),
      'https://elsewhere.example/acme/web.git https://elsewhere.example/acme/web -',
    ],
    [
      'http://github.com/acme/web.git',
      credential('github'),
      'http://github.com/acme/web.git http://github.com/acme/web -',
    ],
    [
      'https://github.com:8443/acme/web.git',
      credential('github'),
      'https://github.com:8443/acme/web.git https://github.com:8443/acme/web -',
    ],
    [
      'https://github.com.evil.example/acme/web.git',
      credential('github'),
      'https://github.com.evil.example/acme/web.git https://github.com.evil.example/acme/web -',
    ],
    [
      'https://ada@bitbucket.org/acme/web.git',
      credential('bitbucket'),
      'https://bitbucket.org/acme/web.git https://bitbucket.org/acme/web x-token-auth:tok@https://bitbucket.org',
    ],
    [
      'https://ada:p%40ss@git.example.com/acme/web.git',
      credential('github'),
      'https://git.example.com/acme/web.git https://git.example.com/acme/web ada:p@ss@https://git.example.com',
    ],
    // With a token an address for SSH at its provider is asked by HTTPS; any other stays as it is.
    [
      'git@github.com:acme/web.git',
      credential('github'),
      'https://github.com/acme/web.git https://github.com/acme/web x-access-token:tok@https://github.com',
    ],
    [
      'ssh://git@github.com/acme/web.git',
      credential('github'),
      'https://github.com/acme/web.git https://github.com/acme/web x-access-token:tok@https://github.com',
    ],
    [
      'ssh://git@git.example.com:7999/acme/web.git',
      credential('gitlab', 'https://git.example.com'),
      'https://git.example.com/acme/web.git https://git.example.com/acme/web oauth2:tok@https://git.example.com',
    ],
    ['git@github.com:acme/web.git', null, 'git@github.com:acme/web.git null -'],
    ['git@elsewhere.example:acme/web.git', credential('github'), 'git@elsewhere.example:acme/web.git null -'],
    [
      'ssh://git@github.com.evil.example/acme/web',
      credential('github'),
      'ssh://git@github.com.evil.example/acme/web null -',
    ],
  ] as const) {
    const at = given ? `${given.provider} ${given.settings.api_url ?? ''}`.trim() : 'no credential';
    test(`${repository} with ${at}`, () => assert.equal(summary(repository, given), expected));
  }

  test('of Bitbucket Data Center an address for SSH has the project where the others have their owner', () => {
    const dataCenter = credential('bitbucket', 'https://git.example.com');
    assert.match(
      summary('ssh://git@git.example.com:7999/prj/web.git', dataCenter),
      /^https:\/\/git\.example\.com\/scm\/prj\/web\.git /,
    );
  });

  test('a commit has its page where its git host has it', () => {
    for (const [repository, given, expected] of [
      ['acme/web', credential('github'), 'https://github.com/acme/web/commit/abc'],
      ['acme/bitbucket-tools', credential('github'), 'https://github.com/acme/bitbucket-tools/commit/abc'],
      ['acme/web', credential('bitbucket'), 'https://bitbucket.org/acme/web/commits/abc'],
      [
        'PRJ/web',
        credential('bitbucket', 'https://git.example.com'),
        'https://git.example.com/projects/PRJ/repos/web/commits/abc',
      ],
    ] as const) {
      assert.equal(commitUrl(gitSource(repository, given).webUrl!, 'abc'), expected);
    }
  });
});

describe('what a deployment is of', () => {
  const nothing = { source_type: null, source_ref: null, commit_hash: null, servers: null };
  for (const [given, type, ref] of [
    [{}, 'branch', 'main'],
    [{ source_type: 'branch', source_ref: 'next' }, 'branch', 'next'],
    [{ source_ref: 'next' }, 'branch', 'next'],
    [{ source_ref: 'refs/heads/feature/x' }, 'branch', 'feature/x'],
    [{ source_type: 'branch', source_ref: 'refs/tags/v1' }, 'tag', 'v1'],
    [{ source_type: 'tag', source_ref: 'v1' }, 'tag', 'v1'],
    [{ source_type: 'commit', commit_hash: 'abc' }, 'commit', 'abc'],
    [{ source_type: 'branch', source_ref: 'main', commit_hash: 'abc' }, 'branch', 'main'],
    [{ source_ref: 'refs/heads/' }, 'branch', 'refs/heads/'],
  ] as const) {
    test(`${JSON.stringify(given)} means the ${type} ${ref}`, () => {
      assert.deepEqual(sourceOf({ ...nothing, ...given }, { default_branch: 'main' }), {
        source_type: type,
        source_ref: ref,
      });
    });
  }

  test('the default branch may be written as a ref', () => {
    const source = sourceOf(nothing, { default_branch: 'refs/heads/main' });
    assert.deepEqual(source, { source_type: 'branch', source_ref: 'main' });
  });

  test('its release is named for when it began and by which action', () => {
    assert.equal(releaseName(Date.UTC(2026, 10, 21, 1, 42, 3, 999), 42), '20261121-014203-42');
  });

  test('its folder has a name that needs no quoting', () => {
    for (const [name, folder] of [
      ['Web Shop!', 'web-shop'],
      ['../../etc', 'etc'],
      ['-rf', 'rf'],
      ['日本', 'application-7'],
      ['a.b_c', 'a-b-c'],
    ] as const) {
      assert.equal(folderName({ name, id: 7 }), folder);
    }
  });
});
