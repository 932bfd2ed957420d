/** For each CRL lint, a CRL that fails it; the plain one passes them all. */
import { boolean, element, integer, octetString, oid, primitive, sequence, TAG, time } from '../../src/x509/der.ts';
import { encodeDistributionPointName, type Extension } from '../../src/x509/extensions.ts';
import { OID } from '../../src/x509/oid.ts';
import { NOW } from '../x509/material.ts';
import type { CrlChange, CrlFields } from './fixtures.ts';

const alter = (id: string, change: Partial<Extension>): CrlChange => ({
  edit: (fields) => { fields.extensions = fields.extensions.map((extension) => (extension.oid === id ? { ...extension, ...change } : extension)); },
});
const drop = (id: string): CrlChange => ({
  edit: (fields) => { fields.extensions = fields.extensions.filter((extension) => extension.oid !== id); },
});
const replace = (at: number, field: Uint8Array) => (fields: CrlFields): void => { fields.head[at] = field; };
const entry = (reason: number): CrlChange => ({ revoked: [{ serial: '07aa', at: NOW - 1000, reason }] });
const distributionPoint = encodeDistributionPointName('http://localhost:8080/crl/golden-1/3.crl');

export const CRL_CASES: Record<string, CrlChange> = {
  e_crl_empty_revoked_certificates: { edit: (fields) => { fields.revoked = sequence(); } },
  e_crl_missing_crl_number: drop(OID.crlNumber),
  e_crl_number_out_of_range: alter(OID.crlNumber, { value: element(TAG.integer, Buffer.alloc(21, 1)) }),
  e_crl_auth_key_id_only_contains_keyid: alter(OID.authorityKeyIdentifier, { value: sequence() }),
  e_crl_next_update_invalid: { nextUpdate: NOW },
  e_crl_revocation_time_after_this_update: { revoked: [{ serial: '07aa', at: NOW + 1000 }] },
  crl_reason_code_extension_critical: {
    edit: (fields) => {
      const reason = sequence(oid(OID.reasonCode), boolean(true), octetString(element(TAG.enumerated, Uint8Array.of(4))));
      fields.revoked = sequence(sequence(integer(7), time(NOW), sequence(reason)));
    },
  },
  crl_unspecified_crl_entry_reason_code: entry(0),
  'x.crl_version_is_not_v2': { edit: replace(0, integer(0)) },
  e_cab_crl_has_valid_reason_code: entry(6),
  'cabf.crl_invalid_validity_period': { nextUpdate: NOW + 10 * 86_400_000 },
  'x.crl_idp_cdp_mismatch': { shard: 2 },
  'x.crl_idp_scope': alter(OID.issuingDistributionPoint, { value: sequence(distributionPoint, element(primitive(2), Uint8Array.of(0xff))) }),
  'x.crl_issuer_dn_bytes_mismatch': { edit: replace(2, sequence()) },
  'x.crl_aki_ski_mismatch': { issuer: { keyId: '00'.repeat(20) } },
  'x.crl_signature_algorithm_not_issuers': { issuer: { algorithm: 'ed25519' } },
  'x.crl_unexpected_extension': { edit: (fields) => { fields.extensions.push({ oid: OID.deltaCrlIndicator, critical: true, value: integer(1) }); } },
  'x.crl_serial_listed_twice': { revoked: [{ serial: '07aa', at: NOW }, { serial: '07aa', at: NOW }] },
};
