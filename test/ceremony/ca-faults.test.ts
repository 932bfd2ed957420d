/** What a ceremony refuses to put its name under. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { caFaults } from '../../ceremony/ca-faults.ts';
import { type CaFacts, renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate, parseCertificate } from '../../src/x509/certificate.ts';
import { constructed, element, readWhole, sequence, TAG } from '../../src/x509/der.ts';
import { encodeName } from '../../src/x509/distinguished-name.ts';
import { encodeExtendedKeyUsage, encodeExtension } from '../../src/x509/extensions.ts';
import { OID } from '../../src/x509/oid.ts';
import { keyIdOf } from '../../src/x509/public-key.ts';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = key.publicKey.export({ type: 'spki', format: 'der' });
const named = (value: string) => encodeName([{ attribute: 'commonName', value }]);
const facts: CaFacts = {
  kind: 'intermediate', serial: `41${'00'.repeat(15)}`, issuer: { subject: named('Root'), keyId: '11'.repeat(20), algorithm: 'ecdsa-sha256-p256' }, subject: named('Intermediate'),
  spki, keyId: keyIdOf(spki), notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2027, 0, 1), pathLength: 0,
};

/** The certificate with one extension more. */
function withExtension(oid: string, value: Uint8Array): Uint8Array {
  const fields = readWhole(renderCaTbs(facts), TAG.sequence, 'the TBS');
  const before: Uint8Array[] = [];
  while (fields.more && fields.tag !== constructed(3)) before.push(fields.element('a field'));
  const list = fields.enter(constructed(3), 'the extensions').take(TAG.sequence, 'the extensions');
  return sequence(...before, element(constructed(3), sequence(list, encodeExtension({ oid, critical: false, value }))));
}
const faultsOf = (tbs: Uint8Array): string[] => caFaults(parseCertificate(assembleCertificate(tbs, 'ecdsa-sha256-p256', sign('sha256', tbs, key.privateKey))), facts);

test('T-INC-9 a CA certificate that could answer OCSP, or has any other extended key usage, comes out of no ceremony', () => {
  assert.deepEqual(faultsOf(renderCaTbs(facts)), []);
  for (const usage of ['ocspSigning', 'serverAuth'] as const) {
    assert.deepEqual(faultsOf(withExtension(OID.extendedKeyUsage, encodeExtendedKeyUsage([usage]))), ['it has extensions that a CA does not have']);
  }
});
