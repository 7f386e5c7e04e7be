import type { IncomingDefinition } from '../hooks/definition.ts';
import { sendsToken } from '../hooks/signature-schemes.ts';
import { mask } from '../platform/secret-box.ts';
import { variablePaths } from './extract.ts';
import { isSecretPath, readPath, type PayloadSource } from './paths.ts';

/**
 * The first path of a hook at which a recorded request holds a mask, since tokens are not kept; null when all that the hook
 * looks at is there.
 */
export function hiddenPath(definition: IncomingDefinition, source: PayloadSource): string | null {
  const ofConditions = definition.conditions.flatMap(
    ({ type = 'request_body', path, fallback_paths, same_as }) => {
      if (type === 'variable') return [];
      if (type === 'request_header') return [`$headers.${path}`];
      if (type === 'request_query') return [`$query.${path}`];
      return [path, ...(fallback_paths ?? []), ...(typeof same_as === 'string' ? [same_as] : [])];
    },
  );
  const paths = [...definition.variables.flatMap(variablePaths), ...ofConditions];
  // A token that proves who sends is a mask to the hook at any time.
  const proof = sendsToken(definition) ? `$headers.${definition.secret_header_name}` : null;
  const isHidden = (path: string) =>
    isSecretPath(path) && path.toLowerCase() !== proof && readPath(source, path) === mask;
  return paths.find(isHidden) ?? null;
}
