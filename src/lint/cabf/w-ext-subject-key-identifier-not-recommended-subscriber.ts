/** Nothing is found by the key identifier of a leaf. (RFC 5280 §4.2.1.2 recommends it; BR came later.) */
import { OID } from '../../x509/oid.ts';
import { ofSubscriber } from '../look.ts';
import type { Lint } from '../lint.ts';

export const wExtSubjectKeyIdentifierNotRecommendedSubscriber: Lint = {
  name: 'w_ext_subject_key_identifier_not_recommended_subscriber',
  severity: 'warning',
  cites: 'BR §7.1.2.7.6',
  applies: ofSubscriber,
  fault: ({ tbs }) =>
    tbs.extension(OID.subjectKeyIdentifier) === undefined ? undefined : 'there is a subject key identifier',
};
