import type { IncomingHookCreate, PipelineCreate } from '#sdk';
import type { ImportedHook } from './convert.ts';

/* What an imported hook becomes, in the words of the API. */

/** Names have at most 60 characters. */
export function nameOf({ id }: ImportedHook): string {
  return id.length > 60 ? `${id.slice(0, 59)}…` : id;
}

export function pipelineOf(hook: ImportedHook): PipelineCreate {
  return {
    name: nameOf(hook),
    operation: 'deploy',
    default_steps: false,
    steps: [{ name: 'Run', command: hook.command }],
  };
}

/** Without its secret. */
export function incomingHookOf(hook: ImportedHook): IncomingHookCreate & { name: string } {
  const { signature, variables, conditions, active } = hook;
  return {
    name: nameOf(hook),
    active,
    requires_secret: signature !== null,
    ...(signature
      ? {
          signature_scheme: signature.signature_scheme,
          secret_header_name: signature.secret_header_name,
          ...(signature.signature_scheme === 'hmac'
            ? { secret_algorithm: signature.secret_algorithm, signature_encoding: 'hex' as const }
            : {}),
        }
      : {}),
    settings: { variables },
    trigger_when: { conditions },
  };
}
