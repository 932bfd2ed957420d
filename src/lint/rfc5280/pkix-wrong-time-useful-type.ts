/** UTCTime through 2049, GeneralizedTime from 2050 on. */
import { TAG } from '../../x509/der.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

const FROM_2050 = Date.UTC(2050, 0, 1);

export const pkixWrongTimeUsefulType: Lint = {
  name: 'pkix.wrong_time_useful_type',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.5',
  applies: always,
  fault({ tbs }) {
    const wrong = (
      [
        ['notBefore', tbs.timeTags[0]],
        ['notAfter', tbs.timeTags[1]],
      ] as const
    ).find(([field, tag]) => tag !== (tbs[field] < FROM_2050 ? TAG.utcTime : TAG.generalizedTime));
    return wrong && `${wrong[0]} is written in the type for other years`;
  },
};
