import type { Command } from 'commander';
import { createHooklineClient, HooklineError, type Client } from '#sdk';
import { findConnection, type Connection, type GlobalOptions } from './connection.ts';
import { findEnvironment } from './environment.ts';
import { fetchFor } from './fetch.ts';
import { CliFault, exitCodes, type ExitReason } from './fault.ts';
import { plain, type Io } from './io.ts';
import { createOutput, safeJson, type Output } from './output.ts';
import { sessionOf, type Session } from './session.ts';

/** What a command of the client works with. */
export type ClientContext = {
  /** Its calls end with ctrl-C. */
  client: Client;
  /** The same, but not ended by ctrl-C: for what must be put in order on the way out. */
  lastClient: Client;
  /** Of the API: `https://hooks.example.com/api`. */
  baseUrl: string;
  /** The name of the profile; '' when address and token were given otherwise. */
  profile: string;
  out: Output;
  io: Io;
  /** Aborted by ctrl-C. What waits ends with it, and the command returns. */
  signal: AbortSignal;
  /** The environment to work in: as asked for, of the profile, or the only one. Throws a CliFault that lists them. */
  environmentId(): Promise<number>;
  /** What the program ends with once the command has returned; 0 unless told. */
  setExitCode(code: number): void;
};

/**
 * Runs a command with a client for the server that options, variables or profile name. A fault is told on standard
 * error, as the server's own sentence with the id of the request, and becomes the exit code.
 */
export async function withClient(
  command: Command,
  run: (context: ClientContext) => Promise<void>,
): Promise<void> {
  await withOutput(command, async ({ io, out, options, setExitCode }) => {
    const connection = await findConnection(options, io.env);
    try {
      await run(createContext(connection, { io, out, setExitCode }));
    } catch (error) {
      if (!(error instanceof HooklineError) || error.status !== 401 || out.isJson) throw error;
      const { url, profile } = connection;
      throw new CliFault(
        `${url} does not take the token${profile && ` of the profile "${profile}"`}: ${plain(error.message)} Sign in again with: hookline login${profile && ` --profile ${profile}`}`,
        'notSignedIn',
      );
    }
  });
}

/** The same for a command that needs no server, or not yet. */
export async function withOutput(
  command: Command,
  run: (scene: Session & { out: Output; options: GlobalOptions }) => Promise<void>,
): Promise<void> {
  const { io, setExitCode } = sessionOf(command);
  // Safe: the options of the program's root are declared with these types.
  const options = command.optsWithGlobals() as GlobalOptions;
  const out = createOutput(io, options.json === true);
  const { signal } = io;
  try {
    await run({ io, out, options, setExitCode });
    if (signal.aborted) setExitCode(exitCodes.interrupted);
  } catch (error) {
    const reason = signal.aborted ? 'interrupted' : reasonOf(error);
    setExitCode(exitCodes[reason]);
    if (reason !== 'interrupted') tell(error, out);
  } finally {
    out.progress('');
  }
}

/** A client for one server, with the ends of a command around it. */
export function createContext(
  connection: Connection,
  { io, out, setExitCode }: Session & { out: Output },
): ClientContext {
  const { url, token, profile } = connection;
  const baseUrl = `${url}/api`;
  const { signal } = io;
  const fetch = fetchFor(url, out);
  const lastClient = createHooklineClient({ baseUrl, token, fetch });
  const client = createHooklineClient({ baseUrl, token, fetch, signal });
  let environment: Promise<number> | null = null;
  return {
    client,
    lastClient,
    baseUrl,
    profile,
    out,
    io,
    signal,
    environmentId: () => (environment ??= findEnvironment(client, connection)),
    setExitCode,
  };
}

function tell(error: unknown, out: Output): void {
  if (out.isJson) return out.note(safeJson({ error: describe(error) }));
  const { message, faults, request_id } = describe(error);
  out.note(`hookline: ${message}`);
  for (const { field, message: why } of faults) out.note(`  ${plain(field)}: ${plain(why)}`);
  if (request_id) out.note(`  (request ${plain(request_id)})`);
}

function reasonOf(error: unknown): ExitReason {
  if (error instanceof CliFault) return error.reason;
  if (!(error instanceof HooklineError)) return 'failed';
  if (error.status === 0) return 'unreachable';
  if (error.status === 401) return 'notSignedIn';
  if (error.status === 404 || error.status === 410) return 'notFound';
  return 'failed';
}

function describe(error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split('\n').map(plain).join('\n');
  if (!(error instanceof HooklineError)) return { message: lines, code: reasonOf(error), faults: [] };
  const { code, status, requestId, faults, cause } = error;
  const why = status === 0 ? ` ${plain(reasonBehind(cause))}` : '';
  return { message: `${lines}${why}`.trim(), code, status, request_id: requestId, faults };
}

/** What `fetch` hides behind "fetch failed": `connect ECONNREFUSED 127.0.0.1:8080`. */
function reasonBehind(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error instanceof AggregateError && error.errors[0] instanceof Error)
    return reasonBehind(error.errors[0]);
  if (error.cause instanceof Error) return reasonBehind(error.cause);
  return `(${error.message})`;
}
