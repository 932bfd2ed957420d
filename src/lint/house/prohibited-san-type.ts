/** SAN has only types of names that the profile takes and policy has judged. */
import { OID } from '../../x509/oid.ts';
import { has } from '../look.ts';
import type { Lint } from '../lint.ts';

export const prohibitedSanType: Lint = {
  name: 'prohibited_san_type',
  severity: 'error',
  cites: 'The profile; BR §7.1.2.7.12',
  applies: has(OID.subjectAltName),
  fault({ tbs, shape }) {
    const wrong = tbs.altNames?.find(({ name }) => name === undefined || !shape.nameTypes.includes(name.type));
    return wrong && `SAN has a name of type ${wrong.name?.type ?? `[${wrong.tag & 0x1f}]`}, which the profile has not`;
  },
};
