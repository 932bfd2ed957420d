/** Only version 3 has extensions, and without them a leaf could be taken for a CA. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixCertificateVersionIsNotV3: Lint = {
  name: 'pkix.certificate_version_is_not_v3',
  severity: 'error',
  cites: 'RFC 5280 §4.1.2.1',
  applies: always,
  fault: ({ tbs }) => (tbs.version === 3 ? undefined : `the version is ${tbs.version}`),
};
