/**
 * A serial tells who signed, where its row lives and when it can have been signed: the signer, the database's partitions
 * and recovery go by it.
 */
import { dayOf, readSerial } from '../../x509/serial.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xSerialShape: Lint = {
  name: 'x.serial_shape',
  severity: 'error',
  cites: 'Serials: signer id, day of notAfter, notBefore, 96 random bits (BR §7.1 asks for 64)',
  applies: always,
  fault({ tbs }) {
    const read = readSerial(tbs.serial);
    if (read === undefined) return 'the serial is not 19 octets beginning with a signer id';
    if (read.day !== Math.max(0, Math.min(dayOf(tbs.notAfter), 0xffff))) return 'the serial is not of the day of notAfter';
    return read.notBefore === tbs.notBefore ? undefined : 'the serial is not of notBefore';
  },
};
