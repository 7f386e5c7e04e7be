import { lookup as systemLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address that outgoing requests may not reach. */
export class EgressRefused extends Error {
  override name = 'EgressRefused';
  readonly code = 'EGRESS_REFUSED';
}

export type EgressGuard = {
  /** Throws EgressRefused when `address`, an IP address as text, is private and not allowed. */
  check(address: string): void;
  /** For `net.connect`: resolves a name and refuses it when any of its addresses is refused. */
  lookup: LookupFunction;
};

/** Finds every address of a name, as `dns.lookup` with `all` does. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * `allow` holds the CIDR ranges and addresses that the operator opened. `resolve` is the system's resolver, unless a test
 * brings its own; it is asked at every connection, and what it answers then is what is checked and connected to.
 */
export function createEgressGuard(allow: string[], resolve: Resolve = systemLookup): EgressGuard {
  const allowed = allow.map((range) =>
    range.includes('/')
      ? ipaddr.parseCIDR(range)
      : ipaddr.parseCIDR(`${range}/${isIP(range) === 4 ? 32 : 128}`),
  );
  const isAllowed = (address: Address) =>
    allowed.some(
      ([network, bits]) => network.kind() === address.kind() && address.match([network, bits] as never),
    );

  const check = (text: string) => {
    const address = ipaddr.parse(text.split('%')[0]!);
    const inner = embedded(address);
    if (isAllowed(address) || (inner && isAllowed(inner))) return;
    const isService = cloudServices.has((inner ?? address).toString());
    if (address.range() === 'unicast' && !inner && !isService) return;
    const range = isService ? 'cloud service' : inner ? `${inner.range()} within IPv6` : address.range();
    throw new EgressRefused(
      `${text} is a private or reserved address (${range}). An operator can open it with HOOKLINE_EGRESS_ALLOW.`,
    );
  };

  const resolveOnce = shareUnderWay(resolve);
  return {
    check,
    lookup(hostname, options, callback) {
      resolveOnce(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '', 0);
        const [first] = addresses;
        if (!first) return callback(noAddress(hostname), '', 0);
        try {
          for (const { address } of addresses) check(address);
        } catch (refused) {
          return callback(refused as NodeJS.ErrnoException, '', 0);
        }
        if (options.all) return callback(null, addresses);
        return callback(null, first.address, first.family);
      });
    },
  };
}

/**
 * A question that is under way already is not asked a second time: the system's resolver takes a thread for each, for as
 * long as a name server does not answer, and there are few. No answer is kept beyond that.
 */
function shareUnderWay(resolve: Resolve): Resolve {
  const underWay = new Map<string, Parameters<Resolve>[2][]>();
  return (hostname, options, callback) => {
    const { family, hints, order } = options;
    const key = JSON.stringify([hostname, family, hints, order]);
    const waiting = underWay.get(key);
    if (waiting) {
      waiting.push(callback);
      return;
    }
    underWay.set(key, [callback]);
    resolve(hostname, options, (error, addresses) => {
      const asked = underWay.get(key) ?? [];
      underWay.delete(key);
      // Each gets an error of its own: whoever fails notes with it how long his connection took.
      for (const tell of asked) tell(error && Object.assign(new Error(error.message), error), addresses);
    });
  };
}

function noAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENODATA' });
}

/** Public by their range, and answered by the machine below: Azure's wire server. */
const cloudServices = new Set(['168.63.129.16']);

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The IPv4 address inside a mapped, NAT64 or (deprecated) compatible one. Such forms serve to get around a guard. */
function embedded(address: Address): ipaddr.IPv4 | null {
  if (address.kind() !== 'ipv6') return null;
  const v6 = address as ipaddr.IPv6;
  if (v6.isIPv4MappedAddress()) return v6.toIPv4Address();
  const bytes = v6.toByteArray();
  const isCompatible = bytes.slice(0, 12).every((byte) => byte === 0) && address.range() === 'unicast';
  return v6.range() === 'rfc6052' || isCompatible ? new ipaddr.IPv4(bytes.slice(12)) : null;
}
