// The certificate of tls-alpn-01 (RFC 8737 §3): self-signed, for exactly one name, with the digest in an extension.
import { timingSafeEqual, X509Certificate } from 'node:crypto';
import type { Host } from '../dial/host.ts';
import { constructed, DerError, type DerReader, primitive, readWhole, TAG } from '../x509/der.ts';
import { ipOctets } from '../x509/ip.ts';
import { OID } from '../x509/oid.ts';

// RFC 8737 §6.1. Its draft used 1.3.6.1.5.5.7.1.30.1, which is some other extension to us, so it proves nothing.
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';

const DNS_NAME = primitive(2);
const IP_ADDRESS = primitive(7);

interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/**
 * Why the certificate does not prove control of `host` under this digest (SHA-256 of the key authorization), as one
 * clause; undefined when it does. Validity and key are not looked at: the certificate means nothing else.
 */
export function acmeCertificateFault(der: Uint8Array, host: Host, digest: Uint8Array): string | undefined {
  try {
    const { issuer, subject, extensions } = parse(der);
    if (Buffer.compare(issuer, subject) !== 0) return 'it is not self-signed (its issuer is not its subject)';
    return nameFault(extensions.get(OID.subjectAltName), host)
      ?? identifierFault(extensions.get(ACME_IDENTIFIER), digest)
      ?? signatureFault(der);
  } catch (error) {
    if (error instanceof DerError) return `it is malformed (${error.message})`;
    throw error;
  }
}

/** RFC 8737 §3: a subjectAltName with a single dNSName (RFC 8738 §6: iPAddress), the one that is validated. */
function nameFault(extension: Extension | undefined, host: Host): string | undefined {
  if (extension === undefined) return 'it has no subject alternative name';
  const names = readWhole(extension.value, TAG.sequence, 'its subject alternative name');
  const tag = host.kind === 'name' ? DNS_NAME : IP_ADDRESS;
  const expected = host.kind === 'name' ? Buffer.from(host.name, 'latin1') : ipOctets(host.address);
  const wrong = 'its subject alternative name is not exactly the one name that is validated';
  if (names.tag !== tag) return wrong;
  const found = Buffer.from(names.take(tag, 'the name'));
  const same = host.kind === 'name' ? Buffer.from(found.toString('latin1').toLowerCase(), 'latin1') : found;
  return names.more || expected === undefined || !same.equals(expected) ? wrong : undefined;
}

/** RFC 8737 §3: critical, and its value the DER encoding of an OCTET STRING with the 32 octets of the digest. */
function identifierFault(extension: Extension | undefined, digest: Uint8Array): string | undefined {
  if (extension === undefined) return 'it has no acmeIdentifier extension';
  if (!extension.critical) return 'its acmeIdentifier extension is not critical';
  const { value } = extension;
  if (value.length !== 34 || value[0] !== TAG.octetString || value[1] !== 32) {
    return 'its acmeIdentifier is not an OCTET STRING of 32 octets';
  }
  const same = timingSafeEqual(value.subarray(2), digest);
  return same ? undefined : 'its acmeIdentifier is not the digest of this challenge';
}

function signatureFault(der: Uint8Array): string | undefined {
  try {
    const certificate = new X509Certificate(der);
    if (certificate.verify(certificate.publicKey)) return undefined;
  } catch {
    // OpenSSL does not know the key or the algorithm
  }
  return 'it is not self-signed (its signature does not verify under its own key)';
}

// RFC 5280 §4.1: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
//   TBSCertificate ::= SEQUENCE { version [0], serialNumber, signature, issuer, validity, subject,
//                                 subjectPublicKeyInfo, issuerUniqueID [1]?, subjectUniqueID [2]?, extensions [3] }
function parse(der: Uint8Array): { issuer: Uint8Array; subject: Uint8Array; extensions: Map<string, Extension> } {
  const certificate = readWhole(der, TAG.sequence, 'the certificate');
  const tbs = certificate.enter(TAG.sequence, 'its content');
  certificate.element('its algorithm', TAG.sequence);
  certificate.element('its signature', TAG.bitString);
  certificate.end('its signature');

  tbs.element('its version', constructed(0));
  tbs.element('its serial number', TAG.integer);
  tbs.element('its algorithm', TAG.sequence);
  const issuer = tbs.element('its issuer', TAG.sequence);
  tbs.element('its validity', TAG.sequence);
  const subject = tbs.element('its subject', TAG.sequence);
  tbs.element('its public key', TAG.sequence);
  for (const tag of [primitive(1), primitive(2)]) if (tbs.tag === tag) tbs.element('a unique identifier', tag);
  const none = new Map<string, Extension>();
  const extensions = tbs.more ? parseExtensions(tbs.enter(constructed(3), 'its extensions')) : none;
  tbs.end('its content');
  return { issuer, subject, extensions };
}

function parseExtensions(outer: DerReader): Map<string, Extension> {
  const list = outer.enter(TAG.sequence, 'its extensions');
  outer.end('its extensions');
  const found = new Map<string, Extension>();
  while (list.more) {
    const extension = list.enter(TAG.sequence, 'an extension');
    const oid = extension.oid('an extension');
    const critical = extension.tag === TAG.boolean && extension.boolean('critical');
    const value = extension.take(TAG.octetString, 'the value of an extension');
    extension.end('an extension');
    if (found.has(oid)) throw new DerError(`extension ${oid} is there twice`);
    found.set(oid, { critical, value });
  }
  return found;
}
