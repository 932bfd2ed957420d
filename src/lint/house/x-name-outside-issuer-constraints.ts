/**
 * A name outside the constraints of a CA above gives a certificate that half of the verifiers refuse, and the
 * other half should.
 */
import { nameConstraintFault } from '../../x509/name-constraints.ts';
import type { Lint } from '../lint.ts';

export const xNameOutsideIssuerConstraints: Lint = {
  name: 'x.name_outside_issuer_constraints',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.10, §6.1.3 (b), (c)',
  applies: ({ issuer }) => issuer.permitted !== undefined,
  fault({ tbs, issuer }) {
    const { permitted } = issuer;
    if (permitted === undefined) return undefined;
    for (const { name } of tbs.altNames ?? []) {
      const fault = name && nameConstraintFault(permitted, name);
      if (fault !== undefined) return fault;
    }
    return undefined;
  },
};
