/**
 * The serial number of a certificate, 19 octets that tell where its row lives and when it can have been signed:
 *   signer id (1 octet, 1–127) ‖ day of notAfter since 2020-01-01 (2 octets) ‖ notBefore in seconds since then (4 octets) ‖
 *   12 random octets.
 * Never zero, never negative (RFC 5280 §4.1.2.2), 96 random bits (BR §7.1 asks for 64), and inserts stay local at any size.
 */
const EPOCH_2020 = Date.UTC(2020, 0, 1);
const DAY = 86_400_000;

export const MAX_SIGNER_ID = 127;
/** Octets of a CSPRNG in a serial. */
export const SERIAL_RANDOM = 12;

/** Whole days from 2020-01-01 to `time` (ms, UTC): the day that names a partition. At most 65535 (the year 2199). */
export const dayOf = (time: number): number => Math.floor((time - EPOCH_2020) / DAY);

/**
 * Serial as 38 lower-case hex digits. `notBefore` and `notAfter` are the certificate's (ms, UTC; notBefore from 2020 to
 * 2156), `random` are 12 octets of a CSPRNG.
 */
export function composeSerial(signerId: number, notBefore: number, notAfter: number, random: Uint8Array): string {
  if (!Number.isInteger(signerId) || signerId < 1 || signerId > MAX_SIGNER_ID) throw new Error(`signer id ${signerId}`);
  if (random.length !== SERIAL_RANDOM) {
    throw new Error(`a serial takes ${SERIAL_RANDOM} random octets, not ${random.length}`);
  }
  const serial = Buffer.alloc(19);
  serial.writeUInt8(signerId, 0);
  // A device certificate may run to 9999-12-31 (IEEE 802.1AR): such days share the last partition.
  serial.writeUInt16BE(Math.max(0, Math.min(dayOf(notAfter), 0xffff)), 1);
  serial.writeUInt32BE(Math.floor((notBefore - EPOCH_2020) / 1000), 3);
  serial.set(random, 7);
  return serial.toString('hex');
}

export interface SerialFacts {
  readonly signerId: number;
  readonly day: number;
  /** Milliseconds UTC. */
  readonly notBefore: number;
}

/** What a serial says of itself, or undefined when it is not one of ours. */
export function readSerial(serial: string): SerialFacts | undefined {
  if (!/^[0-9a-f]{38}$/.test(serial)) return undefined;
  const octets = Buffer.from(serial, 'hex');
  const signerId = octets.readUInt8(0);
  if (signerId < 1 || signerId > MAX_SIGNER_ID) return undefined;
  return { signerId, day: octets.readUInt16BE(1), notBefore: EPOCH_2020 + octets.readUInt32BE(3) * 1000 };
}
