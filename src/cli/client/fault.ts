/** What the program ends with; docs/cli.md repeats the table. */
export const exitCodes = {
  done: 0,
  /** The server refused or failed the call, or something else went wrong; stderr has the sentence. */
  failed: 1,
  usage: 2,
  /** No token, or one that is not valid any more. */
  notSignedIn: 3,
  notFound: 4,
  /** There was no answer. */
  unreachable: 5,
  /** The action that was run or watched did not complete, or the hook would not run, or has not. */
  notSucceeded: 6,
  /** Something of what was to be taken over has no counterpart; the report names it. */
  incomplete: 7,
  /** What `apply --dry-run` found is still to be done. */
  changesPending: 8,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitReason = keyof typeof exitCodes;

/** What a command ends with, said in a sentence that tells what to do about it. */
export class CliFault extends Error {
  readonly reason: ExitReason;

  constructor(message: string, reason: ExitReason = 'failed') {
    super(message);
    this.reason = reason;
  }
}
