import { readdir, readFile } from 'node:fs/promises';

/** The processes, zombies left out, that bear the id of a run in their environment. As root also those of others. */
export async function processesOfRun(runId: string): Promise<number[]> {
  return await processesWhose('environ', (words) => words.includes(`HOOKLINE_RUN_ID=${runId}`));
}

/** The processes that have `text` somewhere in their arguments, which everybody on the machine may read. */
export async function argumentsHolding(text: string): Promise<number[]> {
  return await processesWhose('cmdline', (words) => words.some((word) => word.includes(text)));
}

async function processesWhose(file: string, fits: (words: string[]) => boolean): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Unreadable: it has ended, or it is another user's.
      const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      return fits(text.split('\0'));
    }),
  );
  return pids.filter((_, index) => found[index]);
}
