/** Attributes stand in the order that BR lists, from the general to the particular. */
import { ATTRIBUTE_OF } from '../../x509/distinguished-name.ts';
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

const ORDER: ReadonlyMap<string, number> = new Map([...ATTRIBUTE_OF.keys()].map((oid, place) => [oid, place]));

export const invalidRdnOrder: Lint = {
  name: 'invalid_rdn_order',
  severity: 'error',
  cites: 'BR §7.1.4.2',
  applies: hasSubject,
  fault({ tbs }) {
    const places = tbs.subjectRdns.flat().flatMap(({ oid }) => ORDER.get(oid) ?? []);
    return places.every((place, at) => at === 0 || place >= (places[at - 1] as number))
      ? undefined
      : 'the attributes of the subject are out of order';
  },
};
