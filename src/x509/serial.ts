/**
 * The serial number of a certificate, 19 octets that tell where its row lives:
 *   signer id (1 octet, 1–127) ‖ day of notAfter since 2020-01-01 (2 octets) ‖ 16 random octets.
 * Never zero, never negative (RFC 5280 §4.1.2.2), 128 random bits, and inserts stay local at any size.
 */
const EPOCH_2020 = Date.UTC(2020, 0, 1);
const DAY = 86_400_000;

export const MAX_SIGNER_ID = 127;

/** Whole days from 2020-01-01 to `time` (ms, UTC): the day that names a partition. At most 65535 (the year 2199). */
export const dayOf = (time: number): number => Math.floor((time - EPOCH_2020) / DAY);

/** Serial as 38 lower-case hex digits. `random` are 16 octets of a CSPRNG. */
export function composeSerial(signerId: number, notAfter: number, random: Uint8Array): string {
  if (!Number.isInteger(signerId) || signerId < 1 || signerId > MAX_SIGNER_ID) throw new Error(`signer id ${signerId}`);
  if (random.length !== 16) throw new Error(`a serial takes 16 random octets, not ${random.length}`);
  const serial = Buffer.alloc(19);
  serial.writeUInt8(signerId, 0);
  // A device certificate may run to 9999-12-31 (IEEE 802.1AR): such days share the last partition.
  serial.writeUInt16BE(Math.max(0, Math.min(dayOf(notAfter), 0xffff)), 1);
  serial.set(random, 3);
  return serial.toString('hex');
}

/** What a serial says of itself, or undefined when it is not one of ours. */
export function readSerial(serial: string): { signerId: number; day: number } | undefined {
  if (!/^[0-9a-f]{38}$/.test(serial)) return undefined;
  const signerId = Number.parseInt(serial.slice(0, 2), 16);
  if (signerId < 1 || signerId > MAX_SIGNER_ID) return undefined;
  return { signerId, day: Number.parseInt(serial.slice(2, 6), 16) };
}
