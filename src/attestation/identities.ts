/** What an attestation certificate says that the device is: PermanentIdentifier (RFC 4043) and HardwareModuleName (RFC 4108) in its SAN. Pure. */
import type { Tbs } from '../x509/certificate.ts';
import { constructed, readDer, readWhole, TAG } from '../x509/der.ts';

/**
 * As the identifiers of an order write them: `VALUE` or `VALUE/OID` and `SERIAL/OID`. Two that differ are never written alike: what would look
 * like another's (a value with a slash in it, or one that is no printable text) is passed over, and proves nothing.
 */
export interface Identities {
  readonly permanent: readonly string[];
  readonly hardware: readonly string[];
}

const PERMANENT_IDENTIFIER = '1.3.6.1.5.5.7.8.3';
const HARDWARE_MODULE_NAME = '1.3.6.1.5.5.7.8.4';
const OTHER_NAME = constructed(0);

/** Throws DerError for names that are not what they should be. */
export function identitiesOf({ altNames = [] }: Pick<Tbs, 'altNames'>): Identities {
  const permanent: string[] = [];
  const hardware: string[] = [];
  for (const { tag, octets } of altNames) {
    if (tag !== OTHER_NAME) continue;
    const fields = readDer(octets);
    const type = fields.oid('the type of another name');
    const value = fields.take(constructed(0), 'the value of another name');
    fields.end('another name');
    if (type === PERMANENT_IDENTIFIER) permanent.push(...permanentIdentifier(value));
    if (type === HARDWARE_MODULE_NAME) hardware.push(...hardwareModule(value));
  }
  return { permanent, hardware };
}

/** PermanentIdentifier ::= SEQUENCE { identifierValue UTF8String OPTIONAL, assigner OBJECT IDENTIFIER OPTIONAL } */
function permanentIdentifier(der: Uint8Array): string[] {
  const fields = readWhole(der, TAG.sequence, 'a permanent identifier');
  const value = fields.tag === TAG.utf8String ? plainText(fields.take(TAG.utf8String, 'the value of a permanent identifier')) : undefined;
  const assigner = fields.tag === TAG.oid ? `/${fields.oid('the assigner of a permanent identifier')}` : '';
  fields.end('a permanent identifier');
  return value === undefined ? [] : [`${value}${assigner}`];
}

/** HardwareModuleName ::= SEQUENCE { hwType OBJECT IDENTIFIER, hwSerialNum OCTET STRING } */
function hardwareModule(der: Uint8Array): string[] {
  const fields = readWhole(der, TAG.sequence, 'a hardware module name');
  const type = fields.oid('the type of a hardware module');
  const serial = fields.take(TAG.octetString, 'the serial number of a hardware module');
  fields.end('a hardware module name');
  const text = plainText(serial);
  // Serial numbers are mostly text; other octets are written in hex, as no text is.
  if (text === undefined && !isText(serial)) return [`${HEX}${Buffer.from(serial).toString('hex')}/${type}`];
  return text === undefined || text.startsWith(HEX) ? [] : [`${text}/${type}`];
}

const HEX = 'hex:';
const textIn = (octets: Uint8Array): string => Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
const isText = (octets: Uint8Array): boolean => /^[\x20-\x7e]+$/.test(textIn(octets));

/** The text that an identifier may begin with: printable, with no slash, for that is what ends it. */
export const plainText = (octets: Uint8Array): string | undefined => (isText(octets) && !textIn(octets).includes('/') ? textIn(octets) : undefined);
