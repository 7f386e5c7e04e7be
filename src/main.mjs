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
// Must be set before anything uses a thread. Of libuv's threads, 4 by itself, half may look up names, each for as long as
// a name server does not answer: with 4, two hooks whose names hang kept every other hook waiting for 10 s; with 64 it
// takes 32 of them. A thread that does nothing costs next to nothing; what costs memory is bounded in `passwords.ts`.
process.env.UV_THREADPOOL_SIZE ??= '64';
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/hookline', import.meta.url)));
const { runProgram } = await import('./cli/program.ts');

const exitCode = await runProgram(process.argv.slice(2));
if (exitCode !== 0) process.exitCode = exitCode;
