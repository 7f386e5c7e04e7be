// Not in the index: a page that calls some operations has no use for the facts of all.
export { operations } from './generated/operations.gen.ts';
export type { Field, OperationFacts } from './operation-facts.ts';
