/**
 * Object identifiers: one table, and their DER content octets (X.690 §8.19). RFC 5280 unless the comment says
 * otherwise.
 */
import { DerError } from './der-error.ts';

export const OID = {
  // attributes of names (RFC 5280 appendix A.1)
  commonName: '2.5.4.3',
  surname: '2.5.4.4',
  serialNumber: '2.5.4.5',
  countryName: '2.5.4.6',
  localityName: '2.5.4.7',
  stateOrProvinceName: '2.5.4.8',
  streetAddress: '2.5.4.9',
  organizationName: '2.5.4.10',
  organizationalUnitName: '2.5.4.11',
  postalCode: '2.5.4.17',
  givenName: '2.5.4.42',
  domainComponent: '0.9.2342.19200300.100.1.25',
  // extensions
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  tlsFeature: '1.3.6.1.5.5.7.1.24', // RFC 7633
  ctPoison: '1.3.6.1.4.1.11129.2.4.3', // RFC 6962 §3.1
  sctList: '1.3.6.1.4.1.11129.2.4.2', // RFC 6962 §3.3
  noRevAvail: '2.5.29.56', // RFC 9608 §2
  // OCSP (RFC 6960)
  ocspBasic: '1.3.6.1.5.5.7.48.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2', // RFC 9654 §2.1
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5', // §4.2.2.2.1
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  // access methods
  ocsp: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',
  // purposes
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  anyExtendedKeyUsage: '2.5.29.37.0',
  precertificateSigning: '1.3.6.1.4.1.11129.2.4.4', // RFC 6962 §3.1
  // keys and signatures (RFC 3279, 4055, 5480, 5758, 8410)
  rsaEncryption: '1.2.840.113549.1.1.1',
  rsaPss: '1.2.840.113549.1.1.10',
  ecPublicKey: '1.2.840.10045.2.1',
  ed25519: '1.3.101.112',
  unsigned: '1.3.6.1.5.5.7.6.36', // RFC 9925 §3
  // attributes of certification requests
  extensionRequest: '1.2.840.113549.1.9.14', // RFC 2985 §5.4.2
} as const;

/** Dotted text to content octets. Texts come from the table above, so a wrong one is a programming error. */
export function oidOctets(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const base128 = [arc % 128];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128))
      base128.unshift((high % 128) | 0x80);
    octets.push(...base128);
  }
  return Uint8Array.from(octets);
}

/**
 * Content octets to dotted text. Throws DerError for an encoding that is empty, padded, cut short or absurdly large.
 */
export function oidText(octets: Uint8Array): string {
  if (octets.length === 0 || octets.length > 64) throw new DerError('an object identifier has a senseless length');
  let text = '';
  let arc = 0;
  let begins = true;
  for (const octet of octets) {
    if (begins && octet === 0x80) throw new DerError('an object identifier is padded'); // X.690 §8.19.2
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DerError('an object identifier has an arc that is too large');
    begins = octet < 0x80;
    if (!begins) continue;
    const first = Math.min(Math.floor(arc / 40), 2);
    text += text === '' ? `${first}.${arc - first * 40}` : `.${arc}`;
    arc = 0;
  }
  if (!begins) throw new DerError('an object identifier is cut short');
  return text;
}
