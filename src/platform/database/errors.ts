import { invalid } from '../errors.ts';

/** Runs a change; when a unique key refuses it, the field that broke it is told as a 422. */
export async function orTaken<Result>(
  field: string,
  message: string,
  change: Promise<Result>,
): Promise<Result> {
  try {
    return await change;
  } catch (error) {
    if (isUniqueViolation(error)) throw invalid([{ field, message }]);
    throw error;
  }
}

/** True when a unique key refused a row; told by the driver's code, never by the text of the error. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === '23505';
}

/** True when a row was refused that names another which is gone, or that another names. */
export function isReferenceViolation(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'SQLITE_CONSTRAINT_FOREIGNKEY' || code === '23503';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : '';
}
