import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

export type TrustedAddress = (address: string) => boolean;

/** Whether an address is one of the addresses and ranges. */
export function trusts(ranges: string[]): TrustedAddress {
  const list = new BlockList();
  for (const range of ranges) {
    const [network, prefix] = range.split('/') as [string, string | undefined];
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(prefix), family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}

/**
 * The address that a request comes from: the nearest one that is not a trusted proxy's. What Fastify says as `ip`, for
 * those who look at a request before Fastify does.
 */
export function clientAddress(
  { headers, socket }: IncomingMessage,
  trustProxy: TrustedAddress | false,
): string {
  let address = socket.remoteAddress ?? '';
  const forwarded = headers['x-forwarded-for'];
  if (!trustProxy || typeof forwarded !== 'string' || !trustProxy(address)) return address;
  for (const hop of forwarded.split(',').toReversed()) {
    const next = hop.trim();
    if (next === '') continue;
    address = next;
    if (!trustProxy(address)) break;
  }
  return address;
}
