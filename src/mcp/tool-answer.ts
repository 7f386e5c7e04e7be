import type { FieldError } from '../platform/errors.ts';
import { jsonOf, type ApiAnswer } from './api-calls.ts';
import { shorten } from './shorten.ts';

/** What a tool gives back: an answer of its schema, with a word on what was left out of it, or a fault in a sentence. */
export type ToolAnswer = { value: Record<string, unknown>; note?: string } | { fault: string };

/** A fault that the tool itself finds in its arguments, in the form of the API's. */
export function argumentFault(faults: FieldError[]): { fault: string } {
  return { fault: ['The arguments are not right.', ...faults.map(line)].join('\n') };
}

/** What the API says of a call that it refuses, so that the next one can be right. */
export function refusalOf(answer: ApiAnswer): ToolAnswer {
  const { message, errors } = readError(answer);
  const wait = answer.header('retry-after');
  return {
    fault: [
      message,
      ...(errors ?? []).map(line),
      ...(wait === null ? [] : [`Try again in ${wait} seconds.`]),
      `(HTTP ${answer.status}, request ${answer.header('x-request-id') ?? 'without an id'})`,
    ].join('\n'),
  };
}

function line({ field, message }: FieldError): string {
  return `- ${field}: ${message}`;
}

function readError(answer: ApiAnswer): { message: string; errors: FieldError[] | null } {
  try {
    // Safe: `send-error.ts` writes every refusal in this form.
    return jsonOf(answer) as { message: string; errors: FieldError[] | null };
  } catch {
    return { message: 'The call was refused.', errors: null };
  }
}

/** As the protocol has it: the structured answer, and the same as text for clients that read no other. */
export function asResult(answer: ToolAnswer) {
  if ('fault' in answer) return { isError: true, content: [{ type: 'text' as const, text: answer.fault }] };
  const { value, note } = shorten(answer.value);
  const notes = [answer.note, note].filter((text) => text !== undefined);
  return {
    content: [
      { type: 'text' as const, text: JSON.stringify(value) },
      ...notes.map((text) => ({ type: 'text' as const, text })),
    ],
    structuredContent: value,
  };
}
