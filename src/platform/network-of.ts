import ipaddr from 'ipaddr.js';

/**
 * Whom to count the requests of an address to: an IPv4 address itself, of IPv6 the /64 that one customer gets, who would
 * have a new address for every request.
 */
export function networkOf(address: string): string {
  let network = known.get(address);
  if (network === undefined) {
    network = findNetwork(address);
    if (known.size >= mostKnown) known.clear();
    known.set(address, network);
  }
  return network;
}

/** In a flood the same addresses come over and over. */
const known = new Map<string, string>();
const mostKnown = 10_000;

function findNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':');
}
