/** The TBS says what the issuer key will sign with. */
import { algorithmOf } from '../../x509/algorithm.ts';
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const xCrlSignatureAlgorithmNotIssuers: CrlLint = {
  name: 'x.crl_signature_algorithm_not_issuers',
  severity: 'error',
  cites: 'RFC 5280 §5.1.1.2, §5.1.2.2',
  applies: always,
  fault: ({ crl, issuer }) =>
    algorithmOf(crl.signature) === issuer.algorithm
      ? undefined
      : `the signature algorithm is not the issuer's, ${issuer.algorithm}`,
};
