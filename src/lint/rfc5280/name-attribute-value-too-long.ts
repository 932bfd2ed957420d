/** The upper bounds of attributes, in characters; and none is empty. */
import { ATTRIBUTE_OF, ATTRIBUTES } from '../../x509/distinguished-name.ts';
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

export const nameAttributeValueTooLong: Lint = {
  name: 'name_attribute_value_too_long',
  severity: 'error',
  cites: 'RFC 5280 appendix A.1',
  applies: hasSubject,
  fault({ tbs }) {
    const wrong = tbs.subjectRdns.flat().find(({ oid, value }) => {
      const attribute = ATTRIBUTE_OF.get(oid);
      return attribute !== undefined && (value === '' || [...value].length > ATTRIBUTES[attribute].max);
    });
    return wrong && `${ATTRIBUTE_OF.get(wrong.oid)} has ${[...wrong.value].length} characters`;
  },
};
