/**
 * Identifiers of devices (draft-ietf-acme-device-attest §3): their text, and where it goes in the certificate. It is compared octet for octet and
 * stands whole as the serial number in the subject (IEEE 802.1AR): without the assigner or type at its end, two devices could have one name.
 */
import type { Identifier } from '../identifier.ts';
import { AcmeError } from '../problem.ts';
import type { Site } from '../site.ts';
import type { Name, ParsedName } from '../../../x509/name.ts';
import type { SubjectValue } from '../../../x509/shape.ts';

export type DeviceIdentifierType = 'permanent-identifier' | 'hardware-module';

const OID = String.raw`[0-2](?:\.(?:0|[1-9]\d{0,18})){1,31}`;
/** `1*(any but "/") ["/" oid]`; what a PrintableString of 64 characters cannot hold could not be certified. */
const PERMANENT_IDENTIFIER = new RegExp(String.raw`^(?=.{1,64}$)[A-Za-z0-9 '()+,\-.:=?]+(?:/${OID})?$`);
const HARDWARE_MODULE = new RegExp(String.raw`^(?=.{1,64}$)[A-Za-z0-9 '()+,\-.:=?]+/${OID}$`);

const PATTERNS = { 'permanent-identifier': PERMANENT_IDENTIFIER, 'hardware-module': HARDWARE_MODULE } as const satisfies Record<DeviceIdentifierType, RegExp>;

export const parsePermanentIdentifier = (text: string): ParsedName =>
  (PERMANENT_IDENTIFIER.test(text) ? { value: text } : { fault: 'it is not VALUE or VALUE/OID, at most 64 characters that a PrintableString can hold' });

export const parseHardwareModule = (text: string): ParsedName =>
  (HARDWARE_MODULE.test(text) ? { value: text } : { fault: 'it is not SERIAL/OID, at most 64 characters that a PrintableString can hold' });

/** Throws AcmeError where a directory has no challenge that could prove a device. */
export function refuseDevices({ directory }: Site, identifiers: readonly Identifier[]): void {
  const found = directory.challenges.includes('device-attest-01') ? undefined : identifiers.find(isDevice);
  if (found !== undefined) throw new AcmeError('unsupportedIdentifier', `Identifiers of type ${found.type} are not supported in this directory.`);
}

export const isDevice = ({ type }: Pick<Identifier, 'type'>): boolean => type in PATTERNS;

/** What of an order stands in SAN. */
export const namesOf = (identifiers: readonly Identifier[]): Name[] =>
  identifiers.flatMap(({ type, value }) => (type === 'dns' || type === 'ip' ? [{ type, value }] : []));

/** What of an order stands in the subject; `{}` for an order without devices. */
export function subjectOf(identifiers: readonly Identifier[]): { subject?: SubjectValue[] } {
  const subject = identifiers.flatMap(({ type, value }): SubjectValue[] =>
    (type === 'dns' || type === 'ip' ? [] : [{ attribute: 'serialNumber', value }]));
  return subject.length === 0 ? {} : { subject };
}
