/** The TBS says what the issuer key will sign with; the certificate repeats it. */
import { algorithmOf } from '../../x509/algorithm.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xSignatureAlgorithmNotIssuers: Lint = {
  name: 'x.signature_algorithm_not_issuers',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.3; BR §7.1.3.2',
  applies: always,
  fault: ({ tbs, issuer }) =>
    algorithmOf(tbs.signature) === issuer.algorithm
      ? undefined
      : `the signature algorithm is not the issuer's, ${issuer.algorithm}`,
};
