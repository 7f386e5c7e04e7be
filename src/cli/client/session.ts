import type { Command } from 'commander';
import type { Io } from './io.ts';

/** One run of the program. */
export type Session = { io: Io; setExitCode(code: number): void };

const sessions = new WeakMap<Command, Session>();

/** Gives a program what its commands reach the world by. */
export function attachSession(program: Command, session: Session): void {
  sessions.set(program, session);
}

export function sessionOf(command: Command): Session {
  let root = command;
  while (root.parent) root = root.parent;
  const session = sessions.get(root);
  if (!session) throw new Error('The program has no session');
  return session;
}
