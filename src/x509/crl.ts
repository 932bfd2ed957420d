/** Certificate revocation lists (RFC 5280 §5): one per shard of an issuer key, rendered and read back. */
import { ALGORITHMS, type SignatureAlgorithm } from './algorithm.ts';
import { readSigned } from './certificate.ts';
import {
  bitString,
  constructed,
  type DerReader,
  element,
  integer,
  primitive,
  readDer,
  readWhole,
  sequence,
  TAG,
  time,
} from './der.ts';
import {
  decodeAuthorityKeyId,
  decodeDistributionPointName,
  decodeExtensions,
  encodeAuthorityKeyId,
  encodeDistributionPointName,
  encodeExtension,
  type AuthorityKeyId,
  type Extension,
} from './extensions.ts';
import type { GeneralName } from './general-name.ts';
import { hexOf } from './hex.ts';
import { OID } from './oid.ts';
import { type EntrySurvey, surveyEntries } from './crl-survey.ts';
import { crlUrlOf, type IssuerShape } from './shape.ts';

/** RFC 5280 §5.3.1, as far as BR §7.2.2 allows them; `unspecified` is said by leaving the reason out. */
export const REASONS = {
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;

export interface CrlFacts {
  readonly shard: number;
  readonly number: bigint;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Entry after entry (crl-entries.ts); empty when nothing is revoked. */
  readonly entries: Uint8Array;
}

/** A CRL with a million entries is below this. */
const MAX_OCTETS = 64 * 1024 * 1024;

/**
 * TBSCertList (RFC 5280 §5.1.2), the same bytes for the same facts. Extensions: AKI, CRLNumber, and IDP (critical), whose
 * fullName is byte for byte the URL in the CDP of the shard's certificates. An empty list is absent, not empty (§5.1.2.6).
 */
export function renderCrlTbs(
  issuer: IssuerShape,
  { shard, number, thisUpdate, nextUpdate, entries }: CrlFacts,
): Uint8Array {
  const distributionPoint = sequence(
    encodeDistributionPointName(crlUrlOf(issuer, shard)),
    Uint8Array.of(primitive(1), 1, 0xff), // onlyContainsUserCerts: our issuer keys sign no CA certificates
  );
  return sequence(
    integer(1), // v2
    ALGORITHMS[issuer.algorithm].identifier,
    issuer.subject,
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length === 0 ? [] : [sequence(entries)]),
    element(
      constructed(0),
      sequence(
        encodeExtension({
          oid: OID.authorityKeyIdentifier,
          critical: false,
          value: encodeAuthorityKeyId(issuer.keyId),
        }),
        encodeExtension({ oid: OID.crlNumber, critical: false, value: integer(number) }),
        encodeExtension({ oid: OID.issuingDistributionPoint, critical: true, value: distributionPoint }),
      ),
    ),
  );
}

export interface IssuingDistributionPoint {
  readonly fullName?: readonly GeneralName[];
  readonly onlyUserCertificates: boolean;
  readonly onlyCaCertificates: boolean;
  /** onlySomeReasons, indirectCRL or onlyContainsAttributeCerts is there. */
  readonly narrowed: boolean;
}

/** A TBSCertList as found. `number`, AKI and IDP are undefined when their extension is absent. */
export interface CrlTbs {
  readonly bytes: Uint8Array;
  /** 1 or 2. */
  readonly version: number;
  readonly signature: Uint8Array;
  readonly issuer: Uint8Array;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** Content of revokedCertificates, and what it is like; undefined when absent. */
  readonly entries: Uint8Array | undefined;
  readonly survey: EntrySurvey | undefined;
  readonly extensions: readonly Extension[];
  /** Hex of the INTEGER's content octets, and its value. */
  readonly number: { readonly octets: string; readonly value: bigint } | undefined;
  readonly authorityKeyId: AuthorityKeyId | undefined;
  readonly distributionPoint: IssuingDistributionPoint | undefined;
}

/** Throws DerError unless `bytes` are one TBSCertList in DER. */
export function parseCrlTbs(bytes: Uint8Array): CrlTbs {
  const fields = readWhole(bytes, TAG.sequence, 'the TBSCertList', MAX_OCTETS);
  const version = fields.tag === TAG.integer ? fields.smallInteger('the version') + 1 : 1;
  const signature = fields.element('the signature algorithm', TAG.sequence);
  const issuer = fields.element('the issuer', TAG.sequence);
  const thisUpdate = fields.time('thisUpdate');
  const nextUpdate =
    fields.tag === TAG.utcTime || fields.tag === TAG.generalizedTime ? fields.time('nextUpdate') : undefined;
  const entries = fields.tag === TAG.sequence ? fields.take(TAG.sequence, 'the revoked certificates') : undefined;
  const extensions = fields.tag === constructed(0) ? readExtensions(fields) : [];
  fields.end('the TBSCertList');
  const decoded = <T>(id: string, decode: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.find(({ oid }) => oid === id);
    return extension && decode(extension.value);
  };
  return {
    bytes,
    version,
    signature,
    issuer,
    thisUpdate,
    nextUpdate,
    entries,
    survey: entries && surveyEntries(entries),
    extensions,
    number: decoded(OID.crlNumber, decodeNumber),
    authorityKeyId: decoded(OID.authorityKeyIdentifier, decodeAuthorityKeyId),
    distributionPoint: decoded(OID.issuingDistributionPoint, decodeDistributionPoint),
  };
}

function readExtensions(fields: DerReader): Extension[] {
  const explicit = fields.enter(constructed(0), 'the extensions');
  const extensions = decodeExtensions(explicit);
  explicit.end('the extensions');
  return extensions;
}

function decodeNumber(value: Uint8Array): { octets: string; value: bigint } {
  const reader = readDer(value);
  const octets = hexOf(reader.integer('the CRL number'));
  reader.end('the CRL number');
  return { octets, value: BigInt.asIntN(octets.length * 4, BigInt(`0x${octets}`)) };
}

/**
 * IssuingDistributionPoint ::= SEQUENCE { [0] name, [1] user, [2] ca, [3] reasons, [4] indirect, [5] attribute },
 * all optional.
 */
function decodeDistributionPoint(value: Uint8Array): IssuingDistributionPoint {
  const fields = readWhole(value, TAG.sequence, 'the issuing distribution point');
  const fullName = fields.tag === constructed(0) ? decodeDistributionPointName(fields) : undefined;
  const flag = (number: number): boolean =>
    fields.tag === primitive(number) && fields.boolean('a flag', primitive(number));
  const only = { onlyUserCertificates: flag(1), onlyCaCertificates: flag(2), narrowed: fields.more };
  return fullName === undefined ? only : { fullName, ...only };
}

export const assembleCrl = (tbs: Uint8Array, algorithm: SignatureAlgorithm, signature: Uint8Array): Uint8Array =>
  sequence(tbs, ALGORITHMS[algorithm].identifier, bitString(signature));

/** Throws DerError unless `der` is one CertificateList. */
export function parseCrl(der: Uint8Array): {
  tbs: CrlTbs;
  tbsBytes: Uint8Array;
  signatureAlgorithm: Uint8Array;
  signature: Uint8Array;
} {
  const { signed, algorithm, signature } = readSigned(der, 'the CRL', MAX_OCTETS);
  return { tbs: parseCrlTbs(signed), tbsBytes: signed, signatureAlgorithm: algorithm, signature };
}
