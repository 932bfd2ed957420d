// The smallest certificate request (PKCS#10, RFC 2986) for DNS names: empty subject, one subjectAltName.
import { type KeyObject, sign } from 'node:crypto';
import { bitString, element, integer, octetString, oid, sequence, TAG } from '../../src/x509/der.ts';

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const EXTENSION_REQUEST = oid('1.2.840.113549.1.9.14');
const SUBJECT_ALT_NAME = oid('2.5.29.17');
const DNS_NAME = 0x82;
const ATTRIBUTES = 0xa0;

export function requestFor(given: readonly string[], subject: { publicKey: KeyObject; privateKey: KeyObject }): Buffer {
  const names = sequence(...given.map((name) => element(DNS_NAME, Buffer.from(name))));
  const extensions = sequence(sequence(SUBJECT_ALT_NAME, octetString(names)));
  const info = sequence(integer(0), sequence(), subject.publicKey.export({ type: 'spki', format: 'der' }),
    element(ATTRIBUTES, sequence(EXTENSION_REQUEST, element(TAG.set, extensions))));
  return Buffer.from(sequence(info, ECDSA_WITH_SHA256, bitString(sign('sha256', info, subject.privateKey))));
}
