import { getPipeline, type HookTryOut } from '#sdk';
import type { ClientContext } from './context.ts';
import { plain } from './io.ts';
import { cellText } from './table.ts';

/** What a payload would yield: signature, variables, each condition, and the pipeline that would run. */
export async function showTryOut(
  { client, out, io }: ClientContext,
  found: HookTryOut,
  isUnsigned: boolean,
): Promise<void> {
  const mark = (isGood: boolean) => out.colour(isGood ? '✓' : '✗', isGood ? 'green' : 'red');
  out.line(`${out.status(found.outcome)}: ${plain(found.reason)}`);
  for (const fault of found.errors ?? []) out.line(`  ${plain(`${fault.field}: ${fault.message}`)}`);
  out.line('\nSignature');
  const { valid, reason } = found.signature;
  if (isUnsigned && !valid) out.line('  - not signed here; "hookline hooks send" signs');
  else out.line(`  ${mark(valid)} ${plain(reason ?? 'valid')}`);
  out.line('\nVariables');
  const names = Object.keys(found.variables);
  const width = Math.max(0, ...names.map((name) => name.length));
  for (const name of names)
    out.line(`  ${plain(name).padEnd(width)}  ${cellText(found.variables[name], 'text', io)}`);
  if (names.length === 0) out.line('  none');
  out.line('\nConditions');
  for (const condition of found.conditions) {
    const { met, name, path, found: value } = condition;
    out.line(
      `  ${mark(met)} ${plain(name ?? path)}: ${plain(path)} is ${cellText(value, 'text', io)}, ${wanted(condition)}`,
    );
  }
  if (found.conditions.length === 0) out.line('  none');
  if (found.pipeline_id === null) return;
  const pipeline = await getPipeline({ client, path: { pipeline_id: found.pipeline_id } }).catch(() => null);
  out.line(`\nPipeline\n  ${found.pipeline_id}${pipeline ? ` ${plain(pipeline.name)}` : ''}`);
}

/** What a condition asks for, in words. */
function wanted({
  accepted_values,
  matches,
  globs,
  same_as,
  exists,
  not,
}: HookTryOut['conditions'][number]): string {
  const any = [
    accepted_values.length > 0 && accepted_values.map((value) => JSON.stringify(value)).join(', '),
    matches?.length && `what matches ${matches.join(', ')}`,
    globs?.length && `what is under ${globs.join(', ')}`,
    same_as && `the same as ${same_as}`,
    exists === true && 'anything',
    exists === false && 'nothing',
  ].filter((part) => typeof part === 'string');
  return plain(`${not ? 'must not be' : 'must be'} ${any.join(' or ') || 'there'}`);
}
