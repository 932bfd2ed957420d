/** Names are compared by bytes in places, so each attribute has one string type. */
import { ATTRIBUTE_OF, ATTRIBUTES } from '../../x509/distinguished-name.ts';
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

export const attributeValueInvalidEncodingType: Lint = {
  name: 'attribute_value_invalid_encoding_type',
  severity: 'error',
  cites: 'RFC 5280 appendix A.1; BR §7.1.4.2',
  applies: hasSubject,
  fault({ tbs }) {
    const wrong = tbs.subjectRdns.flat().find(({ oid, tag }) => {
      const attribute = ATTRIBUTE_OF.get(oid);
      return attribute !== undefined && ATTRIBUTES[attribute].tag !== tag;
    });
    return wrong && `${ATTRIBUTE_OF.get(wrong.oid)} is in a string type that is not its own`;
  },
};
