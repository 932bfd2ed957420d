/**
 * Certification requests (PKCS #10, RFC 2986), read by our own reader. A request is a proof of possession and a list of
 * wishes: the key and the names are taken out of it, everything else is looked at only to refuse what we would not do.
 */
import { constants, verify as verifyWith } from 'node:crypto';
import { readSigned } from './certificate.ts';
import { constructed, type DerReader, readWhole, TAG } from './der.ts';
import { decodeName, type Rdn, valuesOf } from './distinguished-name.ts';
import { decodeBasicConstraints, decodeExtensions, decodeSubjectAltName, type Extension } from './extensions.ts';
import type { GeneralName } from './general-name.ts';
import { hexOf } from './hex.ts';
import { canonicalIp } from './ip.ts';
import { type Name, nameKey, parseDnsName, parseIpName, parseName } from './name.ts';
import { OID } from './oid.ts';
import { type KeyType, publicKeyObject, readSpki } from './public-key.ts';

export interface Csr {
  readonly der: Uint8Array;
  /** The bytes that the signature is over. */
  readonly signed: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
  readonly spki: Uint8Array;
  readonly subject: readonly Rdn[];
  /** The subject's common names, as written. */
  readonly commonNames: readonly string[];
  /** SAN in canonical form, in order, without repeats; names that have none are in `faults`. */
  readonly names: readonly Name[];
  /** It asks to be a CA (also among the faults). */
  readonly requestedCa: boolean;
  /** Every reason to refuse it, but for key and signature: see publicKeyFault and verifyCsr. Clauses about "it". */
  readonly faults: readonly string[];
}

/** Throws DerError unless `der` is one CertificationRequest in DER and nothing more. */
export function parseCsr(der: Uint8Array): Csr {
  const { signed, algorithm, signature } = readSigned(der, 'the request');
  const fields = readWhole(signed, TAG.sequence, 'the request');
  // RFC 2986 §4.1 has only v1; old clients write another, and nothing depends on it.
  fields.smallInteger('the version');
  const subject = decodeName(fields.element('the subject', TAG.sequence));
  const spki = fields.element('the public key', TAG.sequence);
  const requests = fields.more ? readExtensionRequests(fields.enter(constructed(0), 'the attributes')) : [];
  fields.end('the request');

  const faults: string[] = [];
  if (requests.length > 1) faults.push('it has more than one request for extensions');
  const extensions = requests.flat();
  if (signatureRow(algorithm) === undefined) faults.push(signatureFault(algorithm));
  const requestedCa = judgeExtensions(extensions, faults);
  const names = readNames(extensions, faults);
  return {
    der,
    signed,
    signatureAlgorithm: algorithm,
    signature,
    spki,
    subject,
    commonNames: valuesOf(subject, 'commonName'),
    names,
    requestedCa,
    faults,
  };
}

/**
 * CertificationRequestInfo's attributes; other attributes (challengePassword, Microsoft's) are wishes too, and
 * passed over.
 */
function readExtensionRequests(attributes: DerReader): Extension[][] {
  const requests: Extension[][] = [];
  while (attributes.more) {
    // RFC 2986 wants them in the order of a SET OF; clients exist that do not sort, and nothing depends on it
    const attribute = attributes.enter(TAG.sequence, 'an attribute');
    const type = attribute.oid('the type of an attribute');
    const values = attribute.enter(TAG.set, 'the values of an attribute');
    attribute.end('an attribute');
    if (type !== OID.extensionRequest) continue;
    while (values.more) requests.push(decodeExtensions(values));
  }
  return requests;
}

/**
 * RFC 8555 §7.4: extensions that we are not willing to include are a reason to refuse, where dropping them would
 * mislead.
 */
const NOT_WILLING: ReadonlyMap<string, string> = new Map([
  [OID.nameConstraints, 'it asks for name constraints, which are for CAs'],
  [OID.tlsFeature, 'it asks for must-staple, which is not offered'],
]);

/** What a profile sets anyway: what the request says of them changes nothing. */
const PASSED_OVER: readonly string[] = [
  OID.subjectAltName,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.basicConstraints,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
];

/** Returns whether it asks to be a CA. */
function judgeExtensions(extensions: readonly Extension[], faults: string[]): boolean {
  const ids = extensions.map(({ oid }) => oid);
  if (new Set(ids).size < ids.length) faults.push('it asks for one extension twice');
  for (const { oid, critical } of extensions) {
    const fault = NOT_WILLING.get(oid);
    if (fault !== undefined) faults.push(fault);
    else if (critical && !PASSED_OVER.includes(oid))
      faults.push(`it asks for a critical extension that is not known here (${oid})`);
  }
  const constraints = extensions.find(({ oid }) => oid === OID.basicConstraints);
  const requestedCa = constraints !== undefined && decodeBasicConstraints(constraints.value).ca;
  if (requestedCa) faults.push('it asks to be a CA');
  return requestedCa;
}

function readNames(extensions: readonly Extension[], faults: string[]): Name[] {
  const san = extensions.find(({ oid }) => oid === OID.subjectAltName);
  if (san === undefined) return [];
  const names = new Map<string, Name>();
  for (const found of decodeSubjectAltName(san.value)) {
    const { name, fault } = canonical(found);
    if (name === undefined) faults.push(fault);
    else names.set(nameKey(name), name);
  }
  return [...names.values()];
}

type Canonical =
  | { readonly name: Name; readonly fault?: undefined }
  | { readonly name?: undefined; readonly fault: string };

function canonical({ name, tag }: GeneralName): Canonical {
  if (name === undefined)
    return { fault: `it asks for a name that is unreadable or of a type that is not issued (tag ${tag.toString(16)})` };
  const { value, fault } = parseName(name);
  return value === undefined ? { fault: `it asks for ${name.value}: ${fault}` } : { name: { type: name.type, value } };
}

/**
 * The names that a request for hosts asks for: SAN, and each common name as the name that it reads as (RFC 8555 §7.4).
 * A common name beyond 64 characters cannot stand in a certificate and is passed over; one that is no name of a host
 * is a fault.
 */
export function hostNamesOf(csr: Csr, others: ReadonlySet<string> = new Set()): { readonly names: readonly Name[]; readonly faults: readonly string[] } {
  const names = new Map(csr.names.map((name) => [nameKey(name), name]));
  const faults = [...csr.faults];
  for (const text of csr.commonNames) {
    if (text.length > 64 || others.has(text)) continue;
    const type = canonicalIp(text) === undefined ? 'dns' : 'ip';
    const { value, fault } = type === 'ip' ? parseIpName(text) : parseDnsName(text);
    if (value === undefined) faults.push(`its common name ${JSON.stringify(text)} is not the name of a host: ${fault}`);
    else names.set(nameKey({ type, value }), { type, value });
  }
  return { names: [...names.values()], faults };
}

/**
 * Whether the request is signed with the private half of its own key; worked out in the thread pool. Never rejects; false
 * for keys that we do not take.
 */
export function verifyCsr({ spki, signed, signatureAlgorithm, signature }: Csr): Promise<boolean> {
  const row = signatureRow(signatureAlgorithm);
  return new Promise((resolve) => {
    try {
      if (row === undefined || !row.keyTypes.includes(readSpki(spki)?.type as KeyType)) return resolve(false);
      const key = publicKeyObject(spki);
      const how = row.padding === undefined ? key : { key, ...row.padding };
      return verifyWith(row.hash, signed, how, signature, (error, holds) => resolve(error === null && holds));
    } catch {
      return resolve(false); // OpenSSL throws for keys and signatures that it cannot read
    }
  });
}

interface SignatureRow {
  readonly keyTypes: readonly KeyType[];
  readonly hash: 'sha256' | 'sha384' | 'sha512' | undefined;
  readonly padding?: { readonly padding: number; readonly saltLength: number };
}

const ec = (hash: SignatureRow['hash']): SignatureRow => ({ keyTypes: ['p256', 'p384'], hash });
const rsa = (hash: SignatureRow['hash']): SignatureRow => ({ keyTypes: ['rsa'], hash });
const pss = (hash: SignatureRow['hash'], saltLength: number): SignatureRow => ({
  keyTypes: ['rsa'],
  hash,
  padding: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
});

/** PSS with one hash throughout and a salt of its length, as BR §7.1.3.2 writes it. */
const pssIdentifier = (hash: string, salt: string): string =>
  `304106092a864886f70d01010a3034a00f300d06096086480165030402${hash}0500` +
  `a11c301a06092a864886f70d010108300d06096086480165030402${hash}0500a2030201${salt}`;

/** By AlgorithmIdentifier, hex. Wider than what our issuers use: here the hash is the client's choice. */
const SIGNATURES: ReadonlyMap<string, SignatureRow> = new Map([
  ['300a06082a8648ce3d040302', ec('sha256')],
  ['300a06082a8648ce3d040303', ec('sha384')],
  ['300a06082a8648ce3d040304', ec('sha512')],
  ['300d06092a864886f70d01010b0500', rsa('sha256')],
  ['300d06092a864886f70d01010c0500', rsa('sha384')],
  ['300d06092a864886f70d01010d0500', rsa('sha512')],
  ['300b06092a864886f70d01010b', rsa('sha256')], // RFC 4055 §5: absent parameters are to be accepted too
  ['300b06092a864886f70d01010c', rsa('sha384')],
  ['300b06092a864886f70d01010d', rsa('sha512')],
  [pssIdentifier('01', '20'), pss('sha256', 32)],
  [pssIdentifier('02', '30'), pss('sha384', 48)],
  [pssIdentifier('03', '40'), pss('sha512', 64)],
  ['300506032b6570', { keyTypes: ['ed25519'], hash: undefined }],
]);

const signatureRow = (algorithm: Uint8Array): SignatureRow | undefined => SIGNATURES.get(hexOf(algorithm));

const BROKEN: readonly string[] = [
  '1.2.840.10045.4.1',
  '1.2.840.113549.1.1.5',
  '1.2.840.113549.1.1.4',
  '1.3.14.3.2.29',
];

function signatureFault(algorithm: Uint8Array): string {
  const id = readWhole(algorithm, TAG.sequence, 'the signature algorithm').oid('the signature algorithm');
  return BROKEN.includes(id)
    ? 'it is signed with SHA-1 or MD5'
    : `it is signed with an algorithm that is not accepted (${id})`;
}
