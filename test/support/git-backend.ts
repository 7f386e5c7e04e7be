import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gitEnvironment, runGit } from './run-git.ts';

/** Answers a request with the repositories below `folder`. Its promise settles once the program behind it has ended. */
export type GitBackend = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Git's own smart HTTP, the CGI program `git http-backend`. */
export async function createGitBackend(folder: string): Promise<GitBackend> {
  // Not `git http-backend`, which would be one process more between us and the one to end.
  const program = join(await runGit(folder, '--exec-path'), 'git-http-backend');
  return async (request, response) => {
    const child = spawn(program, {
      env: { ...gitEnvironment, ...cgiVariables(request, folder) },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const closed = once(child, 'close');
    // TERM, upon which it ends the upload-pack that it has started.
    const end = () => void child.kill();
    response.once('close', end);
    try {
      // It may answer without having read all of the request.
      pipeline(request, child.stdin).catch(() => {});
      await answer(child.stdout, response);
    } finally {
      await closed;
      response.off('close', end);
    }
  };
}

/** RFC 3875, and what git adds to it: see `git help http-backend`. */
function cgiVariables(request: IncomingMessage, folder: string): Record<string, string> {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const { headers } = request;
  return {
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: request.method ?? '',
    REMOTE_ADDR: '127.0.0.1',
    PATH_INFO: decodeURIComponent(path),
    QUERY_STRING: query,
    CONTENT_TYPE: headers['content-type'] ?? '',
    // Without one (a chunked body) it reads to the end.
    ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
    // Git packs longer requests; the program unpacks them itself.
    HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
  };
}

/** The head that a CGI program prints becomes the response's; what follows is its body. */
async function answer(output: Readable, response: ServerResponse): Promise<void> {
  let head = Buffer.alloc(0);
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    head = Buffer.concat([head, chunk as Buffer]);
    if (head.includes('\r\n\r\n')) break;
  }
  const end = head.indexOf('\r\n\r\n');
  if (end < 0) throw new Error('git http-backend ended without an answer');
  for (const line of head.toString('latin1', 0, end).split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/);
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.write(head.subarray(end + 4));
  await pipeline(output, response);
}
