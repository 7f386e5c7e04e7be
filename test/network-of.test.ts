import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../src/platform/network-of.ts';

test('the addresses of one IPv6 network count as one, and IPv4 addresses each for themselves', () => {
  assert.equal(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:2:ffff:ffff:ffff:ffff'));
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
  assert.notEqual(networkOf('192.0.2.1'), networkOf('192.0.2.2'));
  assert.equal(networkOf('::ffff:192.0.2.1'), networkOf('192.0.2.1'));
  assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2%eth0'));
  assert.equal(networkOf('unknown'), 'unknown');
});
