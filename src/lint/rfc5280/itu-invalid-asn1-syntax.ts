/** What cannot be read in exactly one way is read differently by different verifiers. */
import { checkDer } from '../../x509/check-der.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const ituInvalidAsn1Syntax: Lint = {
  name: 'itu.invalid_asn1_syntax',
  severity: 'error',
  cites: 'X.690 §10, §11; RFC 5280 §4.1',
  applies: always,
  fault({ tbs }) {
    checkDer(tbs.bytes); // throws a DerError, which the runner reports
    for (const { value } of tbs.extensions) checkDer(value);
    return undefined;
  },
};
