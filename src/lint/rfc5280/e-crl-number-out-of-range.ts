/** Not negative, at most 20 octets. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const eCrlNumberOutOfRange: CrlLint = {
  name: 'e_crl_number_out_of_range',
  severity: 'error',
  cites: 'RFC 5280 §5.2.3',
  applies: always,
  fault({ crl: { number } }) {
    return number !== undefined && (number.value < 0n || number.octets.length > 40)
      ? 'the CRL number is negative or longer than 20 octets'
      : undefined;
  },
};
