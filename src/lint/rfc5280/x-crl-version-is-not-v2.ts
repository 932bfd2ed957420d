/** Only version 2 has extensions. */
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const xCrlVersionIsNotV2: CrlLint = {
  name: 'x.crl_version_is_not_v2',
  severity: 'error',
  cites: 'RFC 5280 §5.1.2.1',
  applies: always,
  fault: ({ crl }) => (crl.version === 2 ? undefined : `the version is ${crl.version}`),
};
