/** Of two extensions of one kind, verifiers take whichever they like. */
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const pkixDuplicateExtension: Lint = {
  name: 'pkix.duplicate_extension',
  severity: 'error',
  cites: 'RFC 5280 §4.2',
  applies: always,
  fault({ tbs }) {
    const ids = tbs.extensions.map(({ oid }) => oid);
    const twice = ids.find((id, at) => ids.indexOf(id) < at);
    return twice && `extension ${twice} is there twice`;
  },
};
