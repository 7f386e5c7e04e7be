#!/usr/bin/env node
// Plain JavaScript, and the only such file on the way: what follows comes from the cache, stripped and compiled, so that
// the TypeScript stripper itself need not be loaded. A second start takes half the time and 15 MB less.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

if (Number(process.versions.node.split('.')[0]) < 26) {
  console.error(
    `Hookline needs Node 26 and brings it along; this is Node ${process.versions.node}. Start it with "npm start" or "npx hookline".`,
  );
  process.exit(1);
}
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/hookline', import.meta.url)));
const { createProgram } = await import('./cli/program.ts');

await createProgram().parseAsync(process.argv);
