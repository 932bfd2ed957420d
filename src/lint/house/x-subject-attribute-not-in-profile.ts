/** The subject has only attributes that the profile names: for most, none. */
import { ATTRIBUTE_OF } from '../../x509/distinguished-name.ts';
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xSubjectAttributeNotInProfile: Lint = {
  name: 'x.subject_attribute_not_in_profile',
  severity: 'error',
  cites: 'The profile; BR §7.1.2.7.2',
  applies: hasSubject,
  fault({ tbs, shape }) {
    const wrong = tbs.subjectRdns.flat().find(({ oid }) => {
      const attribute = ATTRIBUTE_OF.get(oid);
      return attribute === undefined || !shape.subject.includes(attribute);
    });
    return wrong && `the subject has ${ATTRIBUTE_OF.get(wrong.oid) ?? wrong.oid}, which the profile has not`;
  },
};
