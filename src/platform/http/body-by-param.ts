import type { FastifyRequest, RouteShorthandOptions } from 'fastify';
import type { TSchema } from 'typebox';
import type { Validate } from './compile-when-used.ts';
import type { HttpApp } from './server.ts';

/**
 * Options of a route whose body depends on a word of its address. The document shows the body as one of several; it
 * is validated as the one that the address means, so that only the faults of that one are reported.
 */
export function bodyByParam(
  app: HttpApp,
  param: string,
  bodies: Record<string, TSchema>,
): Pick<RouteShorthandOptions, 'validatorCompiler' | 'preValidation'> {
  const compile = app.validatorCompiler!;
  const validators = new Map(
    Object.entries(bodies).map(([word, schema]) => [
      word,
      compile({ schema, method: '', url: '', httpPart: 'body' }) as Validate,
    ]),
  );
  return {
    validatorCompiler: (route) => (route.httpPart === 'body' ? () => true : compile(route)),
    // An unknown word is told by the schema of the address.
    async preValidation(request: FastifyRequest) {
      const validate = validators.get((request.params as Record<string, string>)[param] ?? '');
      if (!validate || validate(request.body)) return;
      throw Object.assign(new Error('The body is not valid.'), {
        code: 'FST_ERR_VALIDATION',
        validation: validate.errors,
        validationContext: 'body',
      });
    },
  };
}
