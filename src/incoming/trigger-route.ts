import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { actionIdHeader } from '../actions/present.ts';
import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';
import { sendError } from '../platform/http/send-error.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { unknownContentType } from './parse-payload.ts';
import { createBodyReader } from './read-body.ts';
import type { Receipt, Receiver } from './receive.ts';
import { isWorthReading } from './worth-reading.ts';
import { triggerAnswers, triggerSchemas } from './trigger-answers.ts';

const triggerAddress = /^\/api\/hooks\/[^/]+\/trigger\/?$/;

/** Whoever opens the address in a browser is told what it is for, before anybody asks for a token. */
export function refuseOtherMethods(app: HttpApp): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'POST') return;
    const path = request.url.split('?')[0] ?? '';
    if (!triggerAddress.test(path)) return;
    const message = `Send a POST to ${path}; ${request.method} does nothing.`;
    return reply.status(405).header('allow', 'POST').send({ message, errors: null });
  });
}

/** The address that senders call. The id and the signature are the credentials; the body is taken as raw bytes. */
export function triggerRoute(
  app: HttpApp,
  context: { receiver: Receiver; clock: Clock; maxBodyBytes: number },
): void {
  const { receiver } = context;
  const readBody = createBodyReader(context);
  app.removeAllContentTypeParsers();
  // The handler reads the body itself, whatever it is.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.route({
    method: 'POST',
    url: '/hooks/:hook_id/trigger',
    config: {
      access: 'public',
      limit: 'own',
      startsAction: true,
      rawBody: ['application/json', 'application/x-www-form-urlencoded'],
      answers: triggerAnswers,
      errors: {
        503: 'The request cannot be kept now, and was not: send it again.',
      },
    },
    // What can be refused before the body is read is: nobody can fill the memory without knowing a hook's address.
    onRequest: async (request, reply) => {
      const { hook_id } = request.params as { hook_id: string };
      const { headers, ip: ipAddress } = request;
      if (!isWorthReading(headers)) reply.header('connection', 'close');
      const refusal = await receiver.greet(hook_id, { headers, query: queryOf(request.url), ipAddress });
      if (refusal) return send(reply, refusal);
      reply.removeHeader('connection');
    },
    schema: {
      operationId: 'triggerHook',
      summary: 'Send a request to an incoming hook',
      description:
        "The address that senders call, a hook's `url`. The UUID and the signature are the credentials: the HMAC of the body's bytes under the hook's secret, in the header that the hook names. Every request to a known hook is recorded, refused ones too. A 2xx means that it is kept on disk.",
      params: Type.Object({ hook_id: Type.String({ description: 'The UUID of the hook.' }) }),
      response: triggerSchemas,
    },
    handler: async (request, reply) => {
      const receipt = await receiver.receive(request.params.hook_id, {
        headers: request.headers,
        query: queryOf(request.url),
        body: await readBody(request.raw, reply.raw),
        ipAddress: request.ip,
      });
      const { action_id } = receipt.body;
      if (action_id !== null) reply.header(actionIdHeader, String(action_id));
      return send(reply, receipt);
    },
    errorHandler: async (error, request, reply) => {
      const { headers, ip: ipAddress } = request;
      const why = whyUnread(error, headers['content-type']);
      if (why?.status === 408 || (!request.raw.complete && !isWorthReading(headers)))
        reply.header('connection', 'close');
      if (!why) return sendError(error, request, reply);
      try {
        const { hook_id } = request.params as { hook_id: string };
        const received = { headers, query: queryOf(request.url), ipAddress };
        return await send(reply, await receiver.refuseUnread(hook_id, received, why));
      } catch (other) {
        return sendError(other, request, reply);
      }
    },
  });
}

function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

function send(reply: FastifyReply, { status, body, retryAfterSeconds }: Receipt): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply.status(status).send(body);
}

/** Why the body of a known hook's request could not be taken, where the record is to say so. */
function whyUnread(error: Error, contentType = ''): { status: 408 | 413 | 415; reason: string } | null {
  if (error instanceof AppError && error.code === 'timed_out') return { status: 408, reason: error.message };
  if (error instanceof AppError && error.code === 'too_large') return { status: 413, reason: error.message };
  if ('code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return { status: 415, reason: unknownContentType(contentType) };
  return null;
}
