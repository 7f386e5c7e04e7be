import pino from 'pino';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createFastClock } from './fast-clock.ts';

/*
 * What `delivery-nodes.ts` starts: a node as `hookline serve` is one, but for its clock, which is given as JSON in
 * TEST_FAST_TIME.
 */

const { config } = readConfig(process.env);
const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
const clock = createFastClock(JSON.parse(process.env.TEST_FAST_TIME ?? '{"since":0,"factor":1}'));
const app = await startApp(config, log, { clock });
process.once('SIGTERM', () => void app.stop().then(() => process.exit(0)));
process.stdout.write(`listening on ${app.address}\n`);
