import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import fc from 'fast-check';
import { clientAddress, trusts } from '../src/platform/http/client-address.ts';

const ranges = ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '::ffff:192.0.2.7'];
const addresses = [
  '127.0.0.1',
  '::ffff:127.0.0.1',
  '10.1.2.3',
  '::ffff:10.1.2.3',
  '192.0.2.7',
  '192.0.2.8',
  '198.51.100.1',
  '::1',
  'fd00::1',
  '2001:db8::1',
  'unknown',
  '',
  '10.1.2.3:80',
  '999.1.1.1',
];

test('before Fastify the address of a request is what Fastify says it is, with and without trusted proxies', async () => {
  for (const trustProxy of [ranges, []]) {
    const isTrusted = trustProxy.length > 0 && trusts(trustProxy);
    const app = fastify({ trustProxy: trustProxy.length > 0 ? trustProxy : false });
    const same = fastify({ trustProxy: isTrusted });
    for (const one of [app, same])
      one.get('/', async (request) => [request.ip, clientAddress(request.raw, isTrusted)]);
    const address = fc.constantFrom(...addresses);
    const spaced = fc
      .tuple(address, fc.constantFrom('', ' '))
      .map(([text, space]) => `${space}${text}${space}`);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...addresses.filter((one) => one.includes('.') || one.includes('::')).slice(0, 10)),
        fc.option(fc.array(spaced, { maxLength: 4 }), { nil: null }),
        async (remoteAddress, hops) => {
          const headers = hops === null ? {} : { 'x-forwarded-for': hops.join(',') };
          const ask = async (one: typeof app) =>
            (await one.inject({ url: '/', remoteAddress, headers })).json();
          const [expected, own] = await ask(app);
          assert.equal(own, expected);
          assert.deepEqual(await ask(same), [expected, expected]);
        },
      ),
      { numRuns: 500 },
    );
    await app.close();
    await same.close();
  }
});
