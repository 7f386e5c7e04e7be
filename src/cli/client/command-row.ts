/** A command that is an operation. What is not said here, the document says. */
export type CommandRow = {
  operation: string;
  /** What is shown of each thing, as `columnsOf` reads it; of a single one everything if left out. */
  columns?: string[];
  /** Parameters of the path that are always this. */
  fixed?: Record<string, string>;
  /** Parameters of the path that are named in order; the others are options. */
  named?: string[];
  /** It starts an action, which can be followed. */
  starts?: boolean;
  /** Of `edit`: what reads the object, and where in that it is, if not all of it. */
  reads?: { operation: string; items?: string };
  /** What it does that cannot be undone: asks first. */
  asks?: string;
  about?: string;
  /** The `status` of the answer without which the command has not succeeded. */
  expects?: string;
};

export type Group = {
  /** The first word: `apps`. */
  name: string;
  /** The parameter that its things are named by: `application_id`. */
  subject: string;
};
