import type { KeyPair } from '../../src/inventory/servers/key-pair.ts';
import type { MarkedProcesses } from './marked-processes.ts';

/** Starts an SSH server on a free port of 127.0.0.1. Whatever it runs must carry the environment of `processes`. */
export type StartInnerSshServer = (setup: {
  hostKey: KeyPair;
  /** The user that may sign in. */
  user: string;
  /** The keys that this user may sign in with, as lines of `authorized_keys`. */
  authorizedKeys: readonly string[];
  /** Where commands find themselves, and what they take for the user's home. */
  home: string;
  /** For the server's own files. Whoever starts the server removes it. */
  folder: string;
  processes: MarkedProcesses;
}) => Promise<InnerSshServer>;

/** What stands behind the proxy: to be replaced as a whole, when it shall have another host key. */
export type InnerSshServer = {
  port: number;
  /** Takes the place of all earlier keys. */
  authorize(authorizedKeys: readonly string[]): Promise<void>;
  /** Ends the server, not what it still runs. Its connections must have been cut. */
  stop(): Promise<void>;
};
