/** No attribute is there twice, but for domainComponent, which is made of parts. */
import { OID } from '../../x509/oid.ts';
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

export const prohibitedDuplicateAttributeType: Lint = {
  name: 'prohibited_duplicate_attribute_type',
  severity: 'error',
  cites: 'BR §7.1.4.2',
  applies: hasSubject,
  fault({ tbs }) {
    const types = tbs.subjectRdns
      .flat()
      .map(({ oid }) => oid)
      .filter((oid) => oid !== OID.domainComponent);
    return new Set(types).size === types.length ? undefined : 'an attribute of the subject is there twice';
  },
};
