/** What a route may declare in its `config` beside its access; the API's description is made from it. */
export type RouteFacts = {
  /** The call starts an action, which the answer names in the header `x-devopness-action-id`. */
  startsAction?: boolean;
  /** When each answer that has a schema is given, and how it may read, where its status does not say enough. */
  answers?: { [status: number]: { when: string; example?: unknown } };
  /** The errors that neither the access nor the body explains: by status, when it happens, in one sentence. */
  errors?: { [status: number]: string };
  /** The content types of a body that is taken as it is, without a schema. */
  rawBody?: readonly string[];
};

declare module 'fastify' {
  interface FastifyContextConfig extends RouteFacts {}
}
