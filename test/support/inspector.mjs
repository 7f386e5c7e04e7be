// The command line of the inspector, without a start of its program for each call: a line of standard input holds the
// words of one as JSON, a line of standard output what it has printed.
import { createInterface } from 'node:readline';
import { runCli } from '@modelcontextprotocol/inspector/clients/cli/build/index.js';

const write = process.stdout.write.bind(process.stdout);
for await (const line of createInterface({ input: process.stdin })) {
  let text = '';
  process.stdout.write = (chunk, ...rest) => {
    text += chunk;
    const done = rest.at(-1);
    if (typeof done === 'function') done();
    return true;
  };
  let fault = null;
  try {
    await runCli(['node', 'mcp-inspector', ...JSON.parse(line)]);
  } catch (error) {
    fault = String(error?.message ?? error);
  }
  process.stdout.write = write;
  write(`${JSON.stringify({ text, fault })}\n`);
}
process.exit(0);
