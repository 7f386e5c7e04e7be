import { writeFileSync } from 'node:fs';

// Writes down what this release is, for server.js to tell. A real application would compile something here.
const { HOOKLINE_COMMIT_HASH: commit, HOOKLINE_RELEASE_NAME: release } = process.env;
if (!commit || !release) {
  console.error('build: HOOKLINE_COMMIT_HASH and HOOKLINE_RELEASE_NAME must say what is built.');
  process.exit(1);
}
writeFileSync(new URL('release.json', import.meta.url), `${JSON.stringify({ commit, release }, null, 2)}\n`);
console.log(`Built ${release} from ${commit}.`);
