/** One entry for each certificate: of two, verifiers take either. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const xCrlSerialListedTwice: CrlLint = {
  name: 'x.crl_serial_listed_twice',
  severity: 'error',
  cites: 'RFC 5280 §5.1.2.6',
  applies: always,
  fault: ({ crl: { survey } }) => survey?.repeated && `the serial ${survey.repeated} is listed twice`,
};
