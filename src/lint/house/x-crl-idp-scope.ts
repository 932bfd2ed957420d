/** Critical, for user certificates only, narrowed by nothing else. */
import { OID } from '../../x509/oid.ts';
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const xCrlIdpScope: CrlLint = {
  name: 'x.crl_idp_scope',
  severity: 'error',
  cites: 'RFC 5280 §5.2.5; BR §7.2.2.1',
  applies: always,
  fault({ crl: { distributionPoint, extensions } }) {
    if (
      distributionPoint === undefined ||
      !extensions.some(({ oid, critical }) => oid === OID.issuingDistributionPoint && critical)
    )
      return 'the issuing distribution point is missing or not critical';
    const { onlyUserCertificates, onlyCaCertificates, narrowed } = distributionPoint;
    return onlyUserCertificates && !onlyCaCertificates && !narrowed
      ? undefined
      : 'the issuing distribution point has another scope than user certificates';
  },
};
