/** A serial is positive and of at most 20 octets. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixCertificateSerialNumberOutOfRange: Lint = {
  name: 'pkix.certificate_serial_number_out_of_range',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.2',
  applies: always,
  fault({ tbs: { serial } }) {
    if (serial.length > 40) return `the serial has ${serial.length / 2} octets`;
    return /^([89a-f]|00$)/.test(serial) ? 'the serial is not positive' : undefined;
  },
};
