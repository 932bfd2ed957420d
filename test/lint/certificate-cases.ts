/** For each certificate lint, a certificate that fails it; and one that passes it, where the plain server certificate does not come under it. */
import type { Linted } from '../../src/lint/lint.ts';
import { bitString, boolean, element, integer, octetString, oid, primitive, sequence, TAG, text, time } from '../../src/x509/der.ts';
import { encodeAuthorityInfoAccess, encodeCrlDistributionPoints, encodeKeyUsage, encodeSubjectAltName } from '../../src/x509/extensions.ts';
import { GENERAL_NAME } from '../../src/x509/general-name.ts';
import { OID } from '../../src/x509/oid.ts';
import { factsFor, spkiOf } from '../x509/material.ts';
import { add, alter, altNames, type Change, certificate, drop, ecSpki, generalName, name, rsaSpki } from './fixtures.ts';

export interface Case {
  readonly fails: Change;
  readonly passes?: Change;
}

const { notBefore, notAfter, serial } = factsFor('server');
const url = (value: string): Uint8Array => generalName(GENERAL_NAME.uri, value);
const device: Change = { profile: 'device' };
const rsa: Change = { facts: { spki: spkiOf('subject', 'rsa') } };
const ed25519: Change = { facts: { spki: spkiOf('subject', 'ed25519') } };
const responder: Change = { profile: 'ocsp-responder' };
const DAY = 86_400_000;
const workload: Change = { profile: 'workload' };
const subjectOf = (...rdns: Parameters<typeof name>): Change => ({ ...device, edit: (fields) => { fields.subject = name(...rdns); } });
const sn = (value: string, tag: number = TAG.printableString) => ['serialNumber', tag, value] as const;
const cn = (value: string, tag: number = TAG.utf8String) => ['commonName', tag, value] as const;
const aia = (...locations: [string, Uint8Array][]): Change =>
  ({ edit: alter(OID.authorityInfoAccess, { value: sequence(...locations.map(([method, location]) => sequence(oid(method), location))) }) });
const caIssuers = url('http://localhost:8080/ca/golden-1.cer');
const point = (...fields: Uint8Array[]): Uint8Array => sequence(...fields);
const fullName = (...names: Uint8Array[]): Uint8Array => element(0xa0, element(0xa0, ...names));
const points = (...all: Uint8Array[]): Change => ({ edit: alter(OID.crlDistributionPoints, { value: sequence(...all) }) });
const shardUrl = url('http://localhost:8080/crl/golden-1/3.crl');
const withModulus = (modulus: bigint, exponent?: bigint): Change => ({ facts: { spki: rsaSpki(modulus, exponent) } });

// 65537^2 mod the primorial that ROCA keys are made over, plus enough to reach 2048 bits: it is in every subgroup that is looked at.
const PRIMES = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n, 67n, 71n, 73n, 79n, 83n, 89n, 97n, 101n,
  103n, 107n, 109n, 113n, 127n, 131n, 137n, 139n, 149n, 151n, 157n, 163n, 167n];
const product = 2n * PRIMES.reduce((all, prime) => all * prime, 1n);
const roca = product * (2n ** 2047n / product + 1n) + (65_537n ** 2n % product);

export const CASES: Record<string, Case> = {
  // ── rfc5280 ──
  'itu.invalid_asn1_syntax': { fails: { edit: alter(OID.keyUsage, { value: Buffer.from('03020781', 'hex') }) } },
  'pkix.certificate_version_is_not_v3': { fails: { edit: (fields) => { fields.version = element(0xa0, integer(1)); } } },
  'pkix.certificate_serial_number_out_of_range': { fails: { facts: { serial: `ff${serial.slice(2)}` } } },
  'pkix.certificate_negative_validity_period': { fails: { facts: { notAfter: notBefore - 1000 } } },
  'pkix.wrong_time_useful_type': {
    fails: { edit: (fields) => { fields.validity = sequence(time(notBefore), text(TAG.generalizedTime, '20261129000000Z')); } },
  },
  'pkix.issuer_unique_id_present': { fails: { edit: (fields) => { fields.uniqueIds = [element(0x81, Uint8Array.of(0, 1))]; } } },
  'pkix.subject_unique_id_present': { fails: { edit: (fields) => { fields.uniqueIds = [element(0x82, Uint8Array.of(0, 1))]; } } },
  'pkix.duplicate_extension': { fails: { edit: (fields) => { fields.extensions = [...fields.extensions, ...fields.extensions.slice(0, 1)]; } } },
  e_issuer_field_empty: { fails: { issuer: { subject: sequence() } } },
  attribute_value_invalid_encoding_type: { fails: subjectOf([sn('1', TAG.utf8String)]), passes: device },
  name_attribute_value_too_long: { fails: subjectOf([sn('1'.repeat(65))]), passes: subjectOf([sn('1'.repeat(64))]) },
  'pkix.authority_key_identifier_critical': { fails: { edit: alter(OID.authorityKeyIdentifier, { critical: true }) } },
  'pkix.authority_key_identifier_keyid_missing': { fails: { edit: alter(OID.authorityKeyIdentifier, { value: sequence() }) } },
  'pkix.san_extension_not_critical_empty_subject': { fails: { edit: alter(OID.subjectAltName, { critical: false }) } },
  w_ext_san_critical_with_subject_dn: {
    fails: { ...device, facts: { names: factsFor('server').names }, edit: alter(OID.subjectAltName, { critical: true }) },
    passes: { ...device, facts: { names: factsFor('server').names } },
  },
  e_ext_san_no_entries: { fails: { edit: altNames() } },
  e_ext_san_dns_not_ia5_string: { fails: { edit: altNames(generalName(GENERAL_NAME.dns, 'bücher.example')) } },
  e_ext_san_uri_relative: { fails: { ...workload, edit: altNames(url('//example.internal/web')) }, passes: workload },
  'pkix.ip_address_wrong_length': { fails: { edit: altNames(element(GENERAL_NAME.ip, Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0))) } },
  e_incorrect_ku_encoding: { fails: { edit: alter(OID.keyUsage, { value: bitString(Uint8Array.of(0x80)) }) } },
  e_ext_key_usage_without_bits: { fails: { edit: alter(OID.keyUsage, { value: encodeKeyUsage([]) }) } },
  e_ext_key_usage_cert_sign_without_ca: { fails: { shape: { keyUsage: ['digitalSignature', 'keyCertSign'] } } },
  'pkix.key_usage_value_prohibited_for_ec': { fails: { shape: { keyUsage: ['digitalSignature', 'keyEncipherment'] } } },
  'pkix.key_usage_value_prohibited_for_rsa': { fails: { ...rsa, shape: { keyUsage: ['digitalSignature', 'keyAgreement'] } }, passes: rsa },
  'pkix.key_usage_value_prohibited_for_edwards_curve': {
    fails: { ...ed25519, shape: { keyUsage: ['digitalSignature', 'keyAgreement'] } }, passes: ed25519,
  },
  e_path_len_constraint_improperly_included: { fails: { edit: alter(OID.basicConstraints, { value: sequence(integer(0)) }) } },
  e_distribution_point_incomplete: { fails: points(point(element(primitive(1), Uint8Array.of(6, 0x40)))) },
  e_ext_aia_marked_critical: { fails: { edit: alter(OID.authorityInfoAccess, { critical: true }) } },

  // ── cabf ──
  prohibited_signature_algorithm_encoding: { // ecdsa-with-SHA256 with a NULL
    fails: { edit: (fields) => { fields.signature = Buffer.from('300c06082a8648ce3d0403020500', 'hex'); } },
  },
  prohibited_subject_public_key_algorithm_encoding: { // P-521
    fails: { edit: (fields) => { fields.spki = sequence(Buffer.from('301006072a8648ce3d020106052b81040023', 'hex'), bitString(Buffer.alloc(133, 4))); } },
  },
  'cabf.rsa_modulus_invalid_length': { fails: withModulus(2n ** 2048n + 1n), passes: rsa },
  'cabf.rsa_exponent_prohibited_value': { fails: withModulus(2n ** 2047n + 1n, 3n), passes: rsa },
  'cabf.rsa_modulus_has_small_prime_factor': { fails: withModulus(751n * 2n ** 2039n + 751n), passes: rsa },
  'cabf.ecdsa_key_validation_failed': { fails: { facts: { spki: ecSpki(Buffer.concat([Uint8Array.of(4), Buffer.alloc(64, 1)])) } } },
  invalid_rdn_order: { fails: subjectOf([cn('Pump')], [sn('1')]), passes: device },
  rdn_contains_multiple_atvs: { fails: subjectOf([sn('1'), cn('Pump')]), passes: device },
  prohibited_duplicate_attribute_type: { fails: subjectOf([sn('1')], [sn('2')]), passes: device },
  invalid_dnsname_syntax: { fails: { facts: { names: [{ type: 'dns', value: 'under_score.example.internal' }] } } },
  'subscriber.authority_key_identifier_extension_absent': { fails: { edit: drop(OID.authorityKeyIdentifier) } },
  'subscriber.authority_info_access_extension_absent': { fails: { edit: drop(OID.authorityInfoAccess) } },
  'subscriber.extended_key_usage_extension_absent': { fails: { edit: drop(OID.extendedKeyUsage) } },
  'subscriber.subject_altname_extension_absent': { fails: { edit: drop(OID.subjectAltName) } },
  'subscriber.revocation_information_absent': {
    fails: { shape: { revocation: 'none' }, facts: { notAfter: notBefore + 7 * DAY } },
    passes: { shape: { revocation: 'none' }, facts: { notAfter: notBefore + 7 * DAY - 1000 } },
  },
  'subscriber.non_critical_basic_constraints_extension': { fails: { edit: alter(OID.basicConstraints, { critical: false }) } },
  'subscriber.non_critical_key_usage_extension': { fails: { edit: alter(OID.keyUsage, { critical: false }) } },
  'subscriber.critical_extended_key_usage_extension': { fails: { edit: alter(OID.extendedKeyUsage, { critical: true }) } },
  'subscriber.critical_crl_distribution_points_extension': { fails: { edit: alter(OID.crlDistributionPoints, { critical: true }) } },
  'subscriber.anyeku_eku_present': {
    fails: { edit: alter(OID.extendedKeyUsage, { value: sequence(oid(OID.serverAuth), oid(OID.anyExtendedKeyUsage)) }) },
  },
  'subscriber.ocspsigning_eku_present': {
    fails: { edit: alter(OID.extendedKeyUsage, { value: sequence(oid(OID.serverAuth), oid(OID.ocspSigning)) }) },
  },
  'ocsp_responder.ocsp_nocheck_extension_absent': { fails: { ...responder, edit: drop(OID.ocspNoCheck) }, passes: responder },
  'ocsp_responder.crl_distribution_points_extension_present': {
    fails: { ...responder, edit: add(OID.crlDistributionPoints, encodeCrlDistributionPoints('http://localhost:8080/crl/golden-1/3.crl')) }, passes: responder,
  },
  'ocsp_responder.subject_altname_extension_present': {
    fails: { ...responder, facts: { names: [{ type: 'dns', value: 'ocsp.example.internal' }] } }, passes: responder,
  },
  'ocsp_responder.unknown_eku_present': {
    fails: { ...responder, edit: alter(OID.extendedKeyUsage, { value: sequence(oid(OID.ocspSigning), oid(OID.serverAuth)) }) }, passes: responder,
  },
  'ocsp_responder.prohibited_ku_present': { fails: { ...responder, shape: { keyUsage: ['digitalSignature', 'keyAgreement'] } }, passes: responder },
  subscriber_basic_constraints_ca_bit_set: { fails: { edit: alter(OID.basicConstraints, { value: sequence(boolean(true)) }) } },
  'subscriber.name_constraints_extension_present': { fails: { edit: add(OID.nameConstraints, sequence(), true) } },
  'subscriber.unknown_aia_access_method_present': { fails: aia([OID.caIssuers, caIssuers], ['1.3.6.1.5.5.7.48.5', caIssuers]) },
  aia_location_not_uri: { fails: aia([OID.caIssuers, generalName(GENERAL_NAME.dns, 'localhost')]) },
  aia_location_uri_not_http: { fails: { edit: alter(OID.authorityInfoAccess, { value: encodeAuthorityInfoAccess('ldap://localhost/ca') }) } },
  aia_duplicate_location: { fails: aia([OID.caIssuers, caIssuers], [OID.caIssuers, caIssuers]) },
  crldp_dp_prohibited_field_present: { fails: points(point(fullName(shardUrl), element(primitive(1), Uint8Array.of(6, 0x40)))) },
  crldp_dpname_prohibited_generalname_type: { fails: points(point(fullName(generalName(GENERAL_NAME.dns, 'localhost')))) },
  crldp_dpname_prohibited_uri_scheme: { fails: { edit: alter(OID.crlDistributionPoints, { value: encodeCrlDistributionPoints('https://localhost/3.crl') }) } },
  crldp_multiple_distributionpoints_present: { fails: points(point(fullName(shardUrl)), point(fullName(shardUrl))) },
  w_ext_subject_key_identifier_not_recommended_subscriber: { fails: { edit: add(OID.subjectKeyIdentifier, octetString(Buffer.alloc(20))) } },
  subscriber_common_name_unknown_source: {
    fails: { shape: { subject: ['commonName'] }, facts: { subject: [{ attribute: 'commonName', value: 'other.example.internal' }] } },
    passes: { shape: { subject: ['commonName'] }, facts: { subject: [{ attribute: 'commonName', value: 'www.example.internal' }] } },
  },

  // ── house ──
  'x.issuer_dn_bytes_mismatch': { // the same letters in another string type: equal to people, not to memcmp
    fails: { edit: (fields) => { fields.issuer = name([['organizationName', TAG.printableString, 'Chancery']], [cn('Chancery Golden Intermediate')]); } },
  },
  'x.aki_ski_mismatch': { fails: { against: { issuer: { keyId: '00'.repeat(20) } } } },
  'x.signature_algorithm_not_issuers': { fails: { against: { issuer: { algorithm: 'ecdsa-sha384-p384' } } } },
  'x.serial_shape': { fails: { facts: { serial: `07ffff${serial.slice(6)}` } } },
  'x.validity_exceeds_profile': {
    fails: { against: { shape: { maxValidityMs: notAfter - notBefore } } },
    passes: { against: { shape: { maxValidityMs: notAfter - notBefore + 1000 } } },
  },
  'x.validity_extra_second': { fails: { against: { shape: { validityMs: notAfter - notBefore } } } },
  'x.validity_outside_issuer': {
    fails: { against: { issuer: { notAfter: notAfter - 1000 } } }, passes: { against: { issuer: { notAfter, notBefore } } },
  },
  'x.key_usage_not_profiles': { fails: { against: { shape: { keyUsage: ['digitalSignature', 'keyAgreement'] } } } },
  'x.extended_key_usage_not_profiles': { fails: { against: { shape: { extendedKeyUsage: ['clientAuth'] } } } },
  'x.crl_distribution_point_not_shards': { fails: { facts: { shard: 5 } }, passes: { facts: { shard: 4 } } },
  'x.authority_info_access_not_issuers': { fails: { against: { issuer: { caIssuersUrl: 'http://localhost:8080/ca/golden-2.cer' } } } },
  'x.no_rev_avail': {
    fails: { shape: { revocation: 'noRevAvail' }, edit: add(OID.crlDistributionPoints, encodeCrlDistributionPoints('http://localhost:8080/crl/golden-1/3.crl')) },
    passes: { shape: { revocation: 'noRevAvail' } },
  },
  'x.ocsp_responder_valid_too_long': {
    fails: { ...responder, facts: { notAfter: notBefore + 90 * DAY } }, passes: { ...responder, facts: { notAfter: notBefore + 90 * DAY - 1000 } },
  },
  'x.unexpected_extension': { fails: { edit: add(OID.tlsFeature, sequence(integer(5))) } },
  'x.basic_constraints_absent': { fails: { edit: drop(OID.basicConstraints) } },
  'x.key_usage_absent': { fails: { edit: drop(OID.keyUsage) } },
  'x.subject_attribute_not_in_profile': {
    fails: { facts: { subject: [{ attribute: 'commonName', value: 'www.example.internal' }] } }, passes: device,
  },
  prohibited_san_type: { fails: { against: { shape: { nameTypes: ['dns'] } } } },
  'x.san_too_many_names': { fails: { against: { shape: { maxNames: 1 } } }, passes: { against: { shape: { maxNames: 2 } } } },
  'x.san_duplicate_name': {
    fails: { edit: alter(OID.subjectAltName, { value: encodeSubjectAltName([{ type: 'dns', value: 'a.b' }, { type: 'dns', value: 'a.b' }]) }) },
  },
  'x.ip_address_v4_mapped': { fails: { facts: { names: [{ type: 'ip', value: '::ffff:10.0.0.1' }] } } },
  'x.spiffe_single_uri': {
    fails: { ...workload, edit: altNames(url('spiffe://example.internal/a'), url('spiffe://example.internal/b')) }, passes: workload,
  },
  'x.spiffe_id_invalid': { fails: { ...workload, facts: { names: [{ type: 'uri', value: 'spiffe://Example.internal/web' }] } }, passes: workload },
  'x.name_outside_issuer_constraints': {
    fails: { against: { issuer: { permitted: { permitted: { dns: ['example.internal'], ip: ['10.0.0.0/8'] }, excluded: {} } } } },
    passes: { against: { issuer: { permitted: { permitted: { dns: ['example.internal'], ip: ['fd00::/8'] }, excluded: {} } } } },
  },
  'x.spki_is_issuer_key': { fails: { facts: { spki: spkiOf('issuer', 'p256') } } },
  'x.rsa_key_of_broken_generator': { fails: withModulus(roca), passes: rsa },
  'x.ed25519_key_invalid': { // the neutral element
    fails: { facts: { spki: sequence(Buffer.from('300506032b6570', 'hex'), bitString(Buffer.concat([Uint8Array.of(1), Buffer.alloc(31)]))) } },
    passes: ed25519,
  },
};

export const passing = ({ passes = {} }: Case): Linted => certificate(passes);
export const failing = ({ fails }: Case): Linted => certificate(fails);
