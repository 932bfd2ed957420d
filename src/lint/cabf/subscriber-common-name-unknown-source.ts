/** What a browser may show as the host is one of the names that were validated. */
import { valuesOf } from '../../x509/distinguished-name.ts';
import { hasSubject } from '../look.ts';
import type { Lint } from '../lint.ts';

export const subscriberCommonNameUnknownSource: Lint = {
  name: 'subscriber_common_name_unknown_source',
  severity: 'error',
  cites: 'BR §7.1.4.3',
  applies: ({ tbs, shape }) => shape.extendedKeyUsage.includes('serverAuth') && hasSubject({ tbs }),
  fault({ tbs }) {
    const names = new Set(tbs.altNames?.map(({ name }) => name?.value));
    const wrong = valuesOf(tbs.subjectRdns, 'commonName').find((value) => !names.has(value));
    return wrong === undefined ? undefined : `common name ${JSON.stringify(wrong)} is not in SAN`;
  },
};
