// What a program that uses the API imports: every operation and type, the client, errors, and the two ways to read on.
export * from './generated/index.ts';
export { createHooklineClient, configureHookline, type Client, type HooklineOptions } from './client.ts';
export { HooklineError, type ErrorCode, type FieldFault } from './error.ts';
export { events, type ActionEvent } from './events.ts';
export { readPage, pages, type ListOperation, type Page } from './pages.ts';
export { withResponse, actionIdOf } from './with-response.ts';
