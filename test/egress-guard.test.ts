import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { createEgressGuard, EgressRefused } from '../src/platform/egress-guard.ts';

const guard = createEgressGuard([]);

const refused: Record<string, string[]> = {
  'this network': ['0.0.0.0', '0.1.2.3'],
  private: ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
  'shared address space (CGNAT)': ['100.64.0.1', '100.127.255.255'],
  loopback: ['127.0.0.1', '127.0.0.53', '127.255.255.255', '::1'],
  'link-local, clouds answer here': [
    '169.254.0.1',
    '169.254.169.254',
    '169.254.170.2',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
  ],
  'IETF protocol assignments': ['192.0.0.1', '192.0.0.192'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  reserved: ['240.0.0.1', '255.255.255.255', '100::1', '5f00::1'],
  unspecified: ['::'],
  'unique local, the clouds of IPv6 answer here': ['fc00::1', 'fd00::1', 'fd00:ec2::254', 'fdff:ffff::1'],
  'site-local (deprecated)': ['fec0::1', 'feff::1'],
  'IPv4-mapped': [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:192.168.1.1',
    '::ffff:0.0.0.0',
  ],
  'IPv4-compatible (deprecated)': ['::127.0.0.1', '::10.0.0.1', '::7f00:1', '::a9fe:a9fe'],
  'IPv4-translated': ['::ffff:0:127.0.0.1', '::ffff:0:a00:1'],
  NAT64: [
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '64:ff9b:1::7f00:1',
    '64:ff9b:1:ffff::a00:1',
  ],
  '6to4 of a private address': ['2002:7f00:1::', '2002:a00:1::1', '2002:c0a8:101::1'],
  Teredo: ['2001::1', '2001:0:7f00:1::1'],
  ORCHID: ['2001:10::1', '2001:20::1'],
};

const reachable = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '126.255.255.255',
  '128.0.0.1',
  '140.82.112.3',
  '169.253.255.255',
  '169.255.0.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.255.255',
  '192.169.0.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:82a::200e',
  '2620:fe::fe',
];

describe('the egress guard', () => {
  for (const [range, addresses] of Object.entries(refused)) {
    for (const address of addresses) {
      test(`refuses ${address} (${range})`, () => assert.throws(() => guard.check(address), EgressRefused));
    }
  }

  for (const address of reachable) {
    test(`lets ${address} through`, () => assert.doesNotThrow(() => guard.check(address)));
  }

  test('refuses every address of the private ranges of IPv4, however it is wrapped for IPv6', () => {
    const ranges = [
      ['10.0.0.0', 8],
      ['127.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['169.254.0.0', 16],
      ['100.64.0.0', 10],
    ] as const;
    const addresses = fc.constantFrom(...ranges).chain(([network, bits]) =>
      fc.nat(2 ** (32 - bits) - 1).map((host) => {
        const number =
          ipaddr.IPv4.parse(network)
            .toByteArray()
            .reduce((sum, byte) => sum * 256 + byte, 0) + host;
        return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
      }),
    );
    fc.assert(
      fc.property(addresses, (address) => {
        for (const form of [address, `::ffff:${address}`, `64:ff9b::${address}`, `::${address}`]) {
          assert.throws(() => guard.check(form), EgressRefused, form);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('names the address and the setting that opens it', () => {
    assert.throws(() => guard.check('10.1.2.3'), /10\.1\.2\.3.*private.*HOOKLINE_EGRESS_ALLOW/s);
  });

  test('lets through what the operator allowed, and nothing beside it', () => {
    const opened = createEgressGuard(['10.1.0.0/16', '192.168.7.7', 'fd12::/16', '::1']);
    for (const address of ['10.1.2.3', '192.168.7.7', 'fd12::1', '::1', '::ffff:10.1.2.3']) {
      assert.doesNotThrow(() => opened.check(address), address);
    }
    for (const address of [
      '10.2.0.1',
      '192.168.7.8',
      'fd13::1',
      '127.0.0.1',
      '::ffff:10.2.0.1',
      '64:ff9b::10.2.0.1',
    ]) {
      assert.throws(() => opened.check(address), EgressRefused, address);
    }
  });

  test('refuses a name that leads to a private address, at the moment of connecting', async () => {
    for (const all of [true, false]) {
      const error = await new Promise<Error | null>((resolve) => {
        guard.lookup('localhost', { all }, (failure) => resolve(failure));
      });
      assert.ok(error instanceof EgressRefused, `all: ${all}`);
    }
    const opened = createEgressGuard(['127.0.0.0/8', '::1']);
    const address = await new Promise<unknown>((resolve, reject) => {
      opened.lookup('localhost', { all: false, family: 4 }, (failure, found) =>
        failure ? reject(failure) : resolve(found),
      );
    });
    assert.equal(address, '127.0.0.1');
  });

  test('passes on that a name is not known', async () => {
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      guard.lookup('no-such-host.invalid', {}, (failure) => resolve(failure));
    });
    assert.ok(error && !(error instanceof EgressRefused));
  });
});
