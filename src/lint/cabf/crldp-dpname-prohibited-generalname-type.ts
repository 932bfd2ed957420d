/** A CRL is found under a URI. */
import { OID } from '../../x509/oid.ts';
import { has, pointNames } from '../look.ts';
import type { Lint } from '../lint.ts';

export const crldpDpnameProhibitedGeneralnameType: Lint = {
  name: 'crldp_dpname_prohibited_generalname_type',
  severity: 'error',
  cites: 'BR §7.1.2.11.2',
  applies: has(OID.crlDistributionPoints),
  fault: ({ tbs }) =>
    pointNames(tbs).every(({ name }) => name?.type === 'uri')
      ? undefined
      : 'a CRL distribution point has a name that is no URI',
};
