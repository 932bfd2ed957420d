/**
 * THE renderer: shape, issuer and facts to the bytes that will be signed; and back to the facts. It has no options
 * and copies
 * nothing that is not in those three, so that the signer can re-check a TBS by rendering it again and comparing bytes.
 */
import { ALGORITHMS } from './algorithm.ts';
import type { Tbs } from './certificate.ts';
import { constructed, DerError, element, integer, integerFromHex, nullValue, sequence, time } from './der.ts';
import { ATTRIBUTE_OF, encodeName, type SubjectValue } from './distinguished-name.ts';
import {
  encodeAuthorityInfoAccess,
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeCrlDistributionPoints,
  encodeExtendedKeyUsage,
  encodeExtension,
  encodeKeyUsage,
  encodeSubjectAltName,
  encodeSubjectKeyId,
  type KeyUsage,
} from './extensions.ts';
import type { Name } from './name.ts';
import { responderKeyHash } from './ocsp.ts';
import { OID } from './oid.ts';
import { keyTypeOf } from './public-key.ts';
import { type CertificateShape, crlUrlOf, isResponder, type IssuerShape, namesCrl, ocspUrlFor, type TbsFacts } from './shape.ts';

/** RFC 5280 §4.1.2.5: validity includes both ends, so the last second is one less than the length would have it. */
export const notAfterOf = (notBefore: number, validityMs: number): number => notBefore + validityMs - 1000;

/**
 * The TBSCertificate (RFC 5280 §4.1.2), the same bytes for the same facts. Extensions, always in this order:
 * AKI (key identifier only), SAN (critical exactly when the subject is empty), key usage (critical), extended key
 * usage,
 * basic constraints (critical, CA:FALSE as the empty `3000`: verifiers that never saw the profile then need not guess),
 * one CRL distribution point, AIA with OCSP and caIssuers. No subject key identifier: BR §7.1.2.7.6 recommends against it on
 * leaves. A profile without revocation information has no distribution point and no OCSP; a responder's certificate has neither, but
 * id-pkix-ocsp-nocheck, and the key identifier by which GnuTLS finds it.
 * Throws RangeError, TypeError or DerError for facts that cannot be written; whether they are lawful is for the lints.
 */
export function renderTbs(shape: CertificateShape, issuer: IssuerShape, facts: TbsFacts): Uint8Array {
  if (!/^(?:[0-9a-f]{2}){1,20}$/.test(facts.serial)) throw new RangeError(`${facts.serial} is not a serial in hex`);
  return sequence(
    VERSION_3,
    integerFromHex(facts.serial),
    ALGORITHMS[issuer.algorithm].identifier,
    issuer.subject,
    sequence(time(facts.notBefore), time(facts.notAfter)),
    encodeName(facts.subject),
    facts.spki,
    element(constructed(3), sequence(...extensionsFor(shape, issuer, facts))),
  );
}

export const VERSION_3 = element(constructed(0), integer(2));

function extensionsFor(shape: CertificateShape, issuer: IssuerShape, facts: TbsFacts): Uint8Array[] {
  const plain = (oid: string, value: Uint8Array): Uint8Array => encodeExtension({ oid, critical: false, value });
  const critical = (oid: string, value: Uint8Array): Uint8Array => encodeExtension({ oid, critical: true, value });
  const { names, subject, shard } = facts;
  const altNames =
    names.length === 0
      ? []
      : [
          encodeExtension({
            oid: OID.subjectAltName,
            critical: subject.length === 0,
            value: encodeSubjectAltName(names), // RFC 5280 §4.2.1.6
          }),
        ];
  return [
    plain(OID.authorityKeyIdentifier, encodeAuthorityKeyId(issuer.keyId)),
    ...(isResponder(shape) ? [plain(OID.subjectKeyIdentifier, encodeSubjectKeyId(responderKeyHash(facts.spki)))] : []),
    ...altNames,
    critical(OID.keyUsage, encodeKeyUsage(keyUsageFor(shape, facts.spki))),
    plain(OID.extendedKeyUsage, encodeExtendedKeyUsage(shape.extendedKeyUsage)),
    critical(OID.basicConstraints, encodeBasicConstraints({ ca: false })),
    ...(namesCrl(shape) ? [plain(OID.crlDistributionPoints, encodeCrlDistributionPoints(crlUrlOf(issuer, shard)))] : []),
    ...(isResponder(shape)
      ? [plain(OID.ocspNoCheck, nullValue())]
      : [plain(OID.authorityInfoAccess, encodeAuthorityInfoAccess(issuer.caIssuersUrl, ocspUrlFor(shape, issuer)))]),
    ...(shape.revocation === 'noRevAvail' ? [plain(OID.noRevAvail, nullValue())] : []),
  ];
}

/** The key usage that a certificate of this shape has for that key. Throws DerError for keys that are not supported. */
export const keyUsageFor = ({ keyUsage, rsaKeyUsage = [] }: CertificateShape, spki: Uint8Array): readonly KeyUsage[] =>
  rsaKeyUsage.length > 0 && keyTypeOf(spki) === 'rsa' ? [...new Set([...keyUsage, ...rsaKeyUsage])] : keyUsage;

/**
 * What the TBS says beyond shape and issuer: renderTbs(shape, issuer, factsOf(tbs)) gives `tbs` again exactly when we
 * rendered it.
 * Throws DerError when it says something that facts cannot hold, and so cannot be ours.
 */
export function factsOf(tbs: Tbs): TbsFacts {
  const { serial, notBefore, notAfter, spki } = tbs;
  return { serial, notBefore, notAfter, spki, names: namesOf(tbs), subject: subjectOf(tbs), shard: shardOf(tbs) };
}

function namesOf(tbs: Tbs): Name[] {
  return (tbs.altNames ?? []).map(({ name }) => {
    if (name === undefined) throw new DerError('SAN has a name of a type that is not issued');
    return name;
  });
}

function subjectOf(tbs: Tbs): SubjectValue[] {
  return tbs.subjectRdns.flat().map(({ oid, value }) => {
    const attribute = ATTRIBUTE_OF.get(oid);
    if (attribute === undefined) throw new DerError('the subject has an attribute that is not issued');
    return { attribute, value };
  });
}

/** The shard is the last part of the URL in the CRL distribution point: see crlUrlOf. */
function shardOf(tbs: Tbs): number {
  if (tbs.extension(OID.crlDistributionPoints) === undefined) return 0;
  const url = tbs.crlDistributionPoints?.[0]?.fullName?.[0]?.name?.value ?? '';
  const [, shard] = /\/(0|[1-9]\d{0,6})\.crl$/.exec(url) ?? [];
  if (shard === undefined) throw new DerError('no CRL distribution point names a shard');
  return Number(shard);
}
