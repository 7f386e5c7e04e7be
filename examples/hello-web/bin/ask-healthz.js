import { get } from 'node:http';
import { json } from 'node:stream/consumers';

// Prints the commit and the name of the release that answer at PORT; ends with 1 when nothing does.
const options = { host: '127.0.0.1', port: process.env.PORT, path: '/healthz', timeout: 2000 };
const request = get(options, async (response) => {
  const { commit, release } = await json(response).catch(() => ({}));
  console.log(commit ? `${commit} ${release}` : `something else (HTTP ${response.statusCode})`);
});
request.once('timeout', () => request.destroy(new Error('no answer within 2 seconds')));
request.once('error', () => process.exit(1));
