import { Transform } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { actionIdHeader } from '../actions/present.ts';
import { AppError } from '../platform/errors.ts';
import { sendError } from '../platform/http/send-error.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { unknownContentType } from './parse-payload.ts';
import type { Receipt, Receiver } from './receive.ts';
import { isWorthReading } from './worth-reading.ts';
import { triggerAnswers, triggerSchemas } from './trigger-answers.ts';

/** The address that senders call. The id and the signature are the credentials; the body is taken as raw bytes. */
export function triggerRoute(app: HttpApp, context: { receiver: Receiver; maxBodyBytes: number }): void {
  const budget = createByteBudget(mostBytesUnderWay);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
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
    bodyLimit: context.maxBodyBytes,
    // What can be refused before the body is read is: nobody can fill the memory without knowing a hook's address.
    onRequest: async (request, reply) => {
      const { hook_id } = request.params as { hook_id: string };
      const { headers, ip: ipAddress } = request;
      if (!isWorthReading(headers)) reply.header('connection', 'close');
      const refusal = await context.receiver.greet(hook_id, { headers, ipAddress });
      if (refusal) return send(reply, refusal);
      reply.removeHeader('connection');
      // No more than the limit is ever read; who announces more is to hear that, not that there is no room.
      const announced = Math.min(
        Number(headers['content-length'] ?? unknownLengthBytes),
        context.maxBodyBytes,
      );
      budget.reserve(announced);
      reply.raw.once('close', () => budget.release(announced));
    },
    // A body that does not announce its length may grow up to the limit: it is counted as it arrives.
    preParsing: async (request, reply, payload) => {
      if (request.headers['content-length'] !== undefined) return payload;
      const first = Math.min(unknownLengthBytes, context.maxBodyBytes);
      let reserved = first;
      let arrived = 0;
      let isOver = false;
      reply.raw.once('close', () => {
        isOver = true;
        budget.release(reserved - first);
      });
      const meter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          arrived += chunk.length;
          // Nobody keeps what is beyond the limit, nor what comes after the answer.
          const counted = isOver ? 0 : Math.min(arrived, context.maxBodyBytes);
          try {
            while (reserved < counted) {
              budget.reserve(unknownLengthBytes);
              reserved += unknownLengthBytes;
            }
          } catch (error) {
            // Safe: what the budget throws.
            return done(error as AppError);
          }
          done(null, chunk);
        },
      });
      return payload.pipe(meter);
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
      const receipt = await context.receiver.receive(request.params.hook_id, {
        headers: request.headers,
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        ipAddress: request.ip,
      });
      const { action_id } = receipt.body;
      if (action_id !== null) reply.header(actionIdHeader, String(action_id));
      return send(reply, receipt);
    },
    errorHandler: async (error, request, reply) => {
      const why = whyUnread(error, request.headers['content-type']);
      if (!why) return sendError(error, request, reply);
      try {
        const { hook_id } = request.params as { hook_id: string };
        const { headers, ip: ipAddress } = request;
        return await send(reply, await context.receiver.refuseUnread(hook_id, { headers, ipAddress }, why));
      } catch (other) {
        return sendError(other, request, reply);
      }
    },
  });
}

function send(reply: FastifyReply, { status, body, retryAfterSeconds }: Receipt): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply.status(status).send(body);
}

/** Bodies of all requests that are being received or answered. */
const mostBytesUnderWay = 256 * 1024 * 1024;
/** What a request that does not announce its length is counted as. */
const unknownLengthBytes = 1024 * 1024;

function createByteBudget(most: number): { reserve(bytes: number): void; release(bytes: number): void } {
  let used = 0;
  return {
    reserve(bytes) {
      if (used > 0 && used + bytes > most) {
        throw new AppError(
          'unavailable',
          'Too much is being received at this moment. Nothing was kept; send it again.',
          {
            retryAfterSeconds: 5,
          },
        );
      }
      used += bytes;
    },
    release(bytes) {
      used -= bytes;
    },
  };
}

/** What Fastify refuses before the body is read. */
function whyUnread(error: Error, contentType = ''): { status: 413 | 415; reason: string } | null {
  const code = 'code' in error ? error.code : '';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { status: 413, reason: 'The body is too large.' };
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return { status: 415, reason: unknownContentType(contentType) };
  return null;
}
