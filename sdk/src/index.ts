// What a program that uses the API, or receives its webhooks, imports. Besides every operation and type:
export * from './generated/index.ts';
export { createHooklineClient, configureHookline, type Client, type HooklineOptions } from './client.ts';
export { HooklineError, type ErrorCode, type FieldFault } from './error.ts';
export { events, type ActionEvent, type EventOptions } from './events.ts';
export {
  environmentEvents,
  hookDeliveries,
  type ActionHappened,
  type CopiedDelivery,
  type DeliveryHappened,
  type EnvironmentEvent,
  type EnvironmentEventOptions,
  type HookDelivery,
  type RequestHappened,
} from './live.ts';
export { readPage, pages, type ListOperation, type Page } from './pages.ts';
export { withResponse, actionIdOf } from './with-response.ts';
export {
  verifyWebhook,
  WebhookVerificationError,
  type VerifiedWebhook,
  type VerifyWebhookOptions,
  type WebhookFault,
  type WebhookRequest,
} from './verify-webhook.ts';
export { signWebhook, type SignWebhookOptions } from './sign-webhook.ts';
export type { SignatureScheme } from './signature-schemes.ts';
export type { WebhookSecret } from './webhook-secret.ts';
export {
  sampleEvent,
  sampleEventNames,
  madeUpCommit,
  type SampleDetails,
  type SampleEvent,
} from './sample-events.ts';
