/** What is wrong with a file, and where. Lines and columns count from 1; 0 where there is no place. */
export type Fault = { line: number; column: number; message: string };

/** Ends a command before anything is changed. */
export class ApplyFault extends Error {
  override readonly name = 'ApplyFault';
  readonly faults: Fault[];

  constructor(message: string, faults: Fault[] = []) {
    super(message);
    this.faults = faults;
  }
}

const mostShown = 50;

/** `hookline.yaml:12:3: applications[0].nmae is not known; is "name" meant?`, one line for each. */
export function faultText(path: string, faults: Fault[]): string {
  const lines = faults
    .toSorted((one, other) => one.line - other.line || one.column - other.column)
    .map(({ line, column, message }) => `${path}${line > 0 ? `:${line}:${column}` : ''}: ${message}`);
  const more = lines.length - mostShown;
  return [...lines.slice(0, mostShown), ...(more > 0 ? [`… and ${more} more faults`] : [])].join('\n');
}
