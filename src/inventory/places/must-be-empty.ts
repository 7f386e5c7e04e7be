import { AppError } from '../../platform/errors.ts';

/** Throws `conflict`, naming what a place still holds. */
export function mustBeEmpty(kind: string, contents: string[]): void {
  if (contents.length === 0) return;
  throw new AppError('conflict', `This ${kind} still holds ${contents.join(', ')}. Delete them first.`);
}
