import type { IncomingDefinition } from '../hooks/definition.ts';
import { tokenPath } from '../hooks/signature-schemes.ts';
import { mask } from '../platform/secret-box.ts';
import { conditionPaths } from './conditions.ts';
import { variablePaths } from './extract.ts';
import { isSecretPath, readPath, type PayloadSource } from './paths.ts';

/**
 * The first path of a hook at which a recorded request holds a mask, since tokens are not kept; null when all that the hook
 * looks at is there.
 */
export function hiddenPath(definition: IncomingDefinition, source: PayloadSource): string | null {
  const { variables, conditions } = definition;
  // A token that proves who sends is a mask to the hook at any time.
  const token = tokenPath(definition);
  const paths = [
    ...variables.flatMap(variablePaths),
    ...conditions.flatMap((condition) => conditionPaths(condition, variables)),
  ];
  const isHidden = (path: string) =>
    isSecretPath(path) && path.toLowerCase() !== token && readPath(source, path) === mask;
  return paths.find(isHidden) ?? null;
}
