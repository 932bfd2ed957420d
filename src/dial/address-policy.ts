// Which addresses this server may connect to. Asked about the address that is dialled, never about a name, so that
// no second resolution can come between the check and the connection.
import ipaddr from 'ipaddr.js';
import { ipOctets } from '../x509/ip.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

export interface AddressRules {
  /** CIDR ranges: only what is in one of them is dialled. */
  readonly allow: readonly string[];
  /** CIDR ranges, stronger than `allow` and than `loopback`. */
  readonly deny: readonly string[];
  /** Loopback may be dialled whatever `allow` says. For development only. */
  readonly loopback: boolean;
}

export interface AddressPolicy {
  /** `address` as text, without brackets. Anything that is not plainly an address is not permitted. */
  permits(address: string): boolean;
}

/** Compiles the rules. Throws on a range that is not CIDR: the configuration loader has refused those already. */
export function addressPolicy(rules: AddressRules): AddressPolicy {
  const allow = rules.allow.map(ruleOf);
  const deny = rules.deny.map(ruleOf);

  const permitted = (address: Address): boolean => {
    if (within(address, deny)) return false;
    if (within(address, LOOPBACK)) return rules.loopback;
    return within(address, allow) && !within(address, ALWAYS_DENIED);
  };

  return {
    permits(text) {
      const address = parse(text);
      if (address === undefined) return false;
      const inside = embedded(address);
      // A mapped address is its IPv4 address and nothing else; a tunnel's end is an IPv6 address that leads to one.
      const mapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress();
      if (mapped) return inside.every(permitted);
      return permitted(address) && inside.every(permitted);
    },
  };
}

/** True for an address of the public Internet: what it serves, anybody can fetch. */
export function isPublic(text: string): boolean {
  const address = parse(text);
  return address !== undefined && address.range() === 'unicast' && !within(address, ALWAYS_DENIED);
}

function within(address: Address, ranges: readonly Range[]): boolean {
  return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
}

// Never ipaddr.parse(text): it reads `::8.8.8.8` as `::ffff:8.8.8.8`, takes `0x7f.1`, and accepts zones.
function parse(text: string): Address | undefined {
  const octets = ipOctets(text);
  return octets && ipaddr.fromByteArray([...octets]);
}

/** A configured range. Addresses are judged by what their mapped form stands for, so ranges are too. */
function ruleOf(text: string): Range {
  const [base, bits] = parseRange(text);
  const mapped = base instanceof ipaddr.IPv6 && base.isIPv4MappedAddress() && bits >= 96;
  return mapped ? [base.toIPv4Address(), bits - 96] : [base, bits];
}

function parseRange(text: string): Range {
  const [address = '', bits = '', ...rest] = text.split('/');
  const base = parse(address);
  const fits = base !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= base.toByteArray().length * 8;
  if (!fits || rest.length > 0) throw new Error(`${text} is not a range of addresses like 10.0.0.0/8`);
  return [base, Number(bits)];
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'].map(parseRange);

// No configuration opens these. Private ranges are not among them: that is where a private CA's clients live.
const ALWAYS_DENIED = [
  '0.0.0.0/8', // "this network"; Linux takes 0.0.0.0 for loopback
  '169.254.0.0/16', // link-local, and the metadata service of most clouds
  '100.100.100.200/32', // metadata (Alibaba)
  '168.63.129.16/32', // metadata (Azure)
  '192.0.0.0/24', // IETF protocol assignments; metadata (Oracle)
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '::/96', // unspecified, and the retired IPv4-compatible form
  '64:ff9b:1::/48', // local NAT64: where it puts the IPv4 address is not known
  '100::/64', // discard
  'fe80::/10', // link-local
  'fec0::/10', // site-local, retired
  'ff00::/8', // multicast
  'fd00:ec2::/32', // metadata (AWS)
  'fd20:ce::254/128', // metadata (Google)
].map(parseRange);

// Where an IPv6 address holds an IPv4 address: RFC 4291 §2.5.5.2, 2765 §2.1, 6052 §2.1, 3056 §2, 4380 §4.
const WRAPPINGS: readonly { range: Range; at: number; invertedAt?: number }[] = [
  { range: parseRange('::ffff:0:0/96'), at: 12 },
  { range: parseRange('::ffff:0:0:0/96'), at: 12 },
  { range: parseRange('64:ff9b::/96'), at: 12 },
  { range: parseRange('2002::/16'), at: 2 },
  { range: parseRange('2001::/32'), at: 4, invertedAt: 12 }, // Teredo: its server, and its client with all bits flipped
];

function embedded(address: Address): Address[] {
  const wrapping = WRAPPINGS.find(({ range }) => within(address, [range]));
  if (wrapping === undefined) return [];
  const bytes = address.toByteArray();
  const four = (at: number) => bytes.slice(at, at + 4);
  const found = [four(wrapping.at)];
  if (wrapping.invertedAt !== undefined) found.push(four(wrapping.invertedAt).map((byte) => byte ^ 0xff));
  return found.map((octets) => ipaddr.fromByteArray(octets));
}
