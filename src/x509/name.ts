/**
 * Names that certificates vouch for, in canonical text: what is compared, stored and put into SAN is always this
 * text.
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import { ipOctets, ipText, isV4Mapped } from './ip.ts';

export type NameType = 'dns' | 'ip' | 'uri' | 'email';

/** `dns`: lower-case A-labels, `*.` in front allowed. `ip`: RFC 5952 or dotted decimal. `uri`, `email`: as they are. */
export interface Name {
  readonly type: NameType;
  readonly value: string;
}

/** Either the canonical value, or one plain clause saying what is wrong with the text. */
export type ParsedName =
  | { readonly value: string; readonly fault?: undefined }
  | { readonly value?: undefined; readonly fault: string };

/** One string per name: equal exactly when the names are. */
export const nameKey = (name: Name): string => `${name.type}:${name.value}`;

/**
 * The form under which names of one suffix stand together: `www.example.com` as `com.example.www`; others as they
 * are.
 */
export const reverse = (name: Name): string =>
  name.type === 'dns' ? name.value.split('.').reverse().join('.') : name.value;

/**
 * A DNS name as RFC 8555 §7.1.4 and RFC 5280 §4.2.1.6 want it: LDH labels, A-labels for the rest of the world, at
 * most one `*`, in front.
 * Upper case is lowered; anything else that is not canonical is a fault, for guessing what was meant is how SSRF
 * filters and CAs disagree.
 */
export function parseDnsName(text: string): ParsedName {
  const value = text.toLowerCase();
  if (value === '') return { fault: 'it is empty' };
  if (value.length > 253) return { fault: 'it is longer than 253 characters' };
  if (!/^[\x21-\x7e]+$/.test(text)) return { fault: 'it has characters outside printable ASCII (write A-labels)' };
  const base = value.startsWith('*.') ? value.slice(2) : value;
  if (base.includes('*')) return { fault: 'a wildcard may only be the whole first label' };
  if (base.endsWith('.')) return { fault: 'it ends in a dot' };
  const labels = base.split('.');
  for (const label of labels) {
    const fault = labelFault(label);
    if (fault !== undefined) return { fault };
  }
  // WHATWG URL, "ends in a number": every resolver and URL library takes such a name for an IPv4 address.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) as string)) return { fault: 'it reads as an IP address' };
  return { value };
}

function labelFault(label: string): string | undefined {
  if (label === '') return 'it has an empty label';
  if (label.length > 63) return 'it has a label longer than 63 characters';
  if (!/^[a-z0-9-]+$/.test(label)) return 'it has characters other than letters, digits and hyphens';
  if (label.startsWith('-') || label.endsWith('-')) return 'it has a label that begins or ends with a hyphen';
  if (label.startsWith('xn--')) return isIdna(label) ? undefined : `${label} is not a valid A-label`;
  if (label.slice(2, 4) === '--') return `${label} is a reserved label`; // RFC 5890 §2.3.1, R-LDH
  return undefined;
}

// RFC 5892: letters and digits are PVALID; the few others are CONTEXTJ and CONTEXTO, whose contexts the URL library
// judges for joiners.
const IDNA2008 = /^[\p{Ll}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}\-\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d]+$/u;

/**
 * RFC 5891 §5.4 and RFC 5890 §2.3.2.1: decodes, is made of permitted characters in NFC, and encodes to itself again.
 */
function isIdna(label: string): boolean {
  const unicode = domainToUnicode(label);
  return (
    unicode !== '' &&
    !unicode.startsWith('xn--') &&
    unicode.normalize('NFC') === unicode &&
    IDNA2008.test(unicode) &&
    domainToASCII(unicode) === label
  );
}

/** RFC 8738 §3: only the canonical text is an identifier. An IPv4-mapped address is none. */
export function parseIpName(text: string): ParsedName {
  const octets = ipOctets(text);
  if (octets === undefined) return { fault: 'it is not an IP address' };
  if (isV4Mapped(octets)) return { fault: 'it is an IPv4 address written as IPv6' };
  const value = ipText(octets) as string;
  return value === text ? { value } : { fault: `its canonical form is ${value}` };
}

/** SPIFFE-ID §2, for a workload: `spiffe://trust-domain/path`, the path not empty. */
export function parseSpiffeId(text: string): ParsedName {
  if (text.length > 2048) return { fault: 'it is longer than 2048 characters' };
  const [, trustDomain, path] = /^spiffe:\/\/([^/]*)(.*)$/.exec(text) ?? [];
  if (trustDomain === undefined || path === undefined) return { fault: 'it does not begin with spiffe://' };
  if (trustDomain.length > 255) return { fault: 'its trust domain is longer than 255 characters' };
  if (!/^[a-z0-9._-]+$/.test(trustDomain))
    return { fault: 'its trust domain has other characters than a-z, 0-9, dot, hyphen and underscore' };
  if (path === '' || path === '/') return { fault: 'it has no path, so it names a trust domain and not a workload' };
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return { fault: 'its path has an empty segment' };
    if (segment === '.' || segment === '..') return { fault: 'its path has a dot segment' };
    if (!/^[A-Za-z0-9._-]+$/.test(segment))
      return { fault: 'its path has other characters than letters, digits, dot, hyphen and underscore' };
  }
  return { value: text };
}

/** The name in canonical form, or what is wrong with it. A URI must only be one. */
export const parseName = (name: Name): ParsedName => PARSE[name.type](name.value);

/** One clause of fault; undefined when the name is in canonical form. */
export function nameFault(name: Name): string | undefined {
  const { value, fault } = parseName(name);
  return fault ?? (value === name.value ? undefined : 'it is not in canonical form');
}

const PARSE = {
  dns: parseDnsName,
  ip: parseIpName,
  uri: (text) =>
    /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) && text.length <= 2048
      ? { value: text }
      : { fault: 'it is not an absolute URI in ASCII' },
  email: (text) =>
    /^[^\s@"()<>,;:\\[\]]{1,64}@[a-z0-9.-]{1,255}$/i.test(text)
      ? { value: text }
      : { fault: 'it is not a plain mail address' },
} satisfies Record<NameType, (text: string) => ParsedName>;
