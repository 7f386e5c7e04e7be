import { stringify } from 'yaml';
import type { ImportedHook, Secret } from './convert.ts';
import { incomingHookOf, pipelineOf } from './resources.ts';
import type { Reference } from './templates.ts';

/** The environment file of `hookline apply`, in which a secret is only ever a reference. */
export function environmentFile(
  hooks: ImportedHook[],
  { application, repository }: { application: string; repository: string },
): string {
  const pipelines = hooks.map((hook) => {
    const secret = hook.signature?.secret;
    return {
      ...pipelineOf(hook),
      incoming_hooks: [{ ...incomingHookOf(hook), ...(secret ? { secret: referenceTo(hook, secret) } : {}) }],
    };
  });
  const file = { hookline: 1, applications: [{ name: application, repository, pipelines }] };
  // Scripts are read by people: as blocks, and never folded.
  return stringify(file, { lineWidth: 0, blockQuote: 'literal' });
}

/** Where whoever applies the file is to have a secret that stood in webhook's. */
export function referenceTo({ id }: ImportedHook, secret: Secret): Reference {
  if (!('text' in secret)) return secret;
  const name = id
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return { env: `WEBHOOK_SECRET_${name}` };
}
