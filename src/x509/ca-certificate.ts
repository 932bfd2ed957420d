/**
 * CA certificates: rendered for ceremonies (BR §7.1.2.1, §7.1.2.6), and read as the issuer that leaves are made
 * from.
 */
import { ALGORITHMS, algorithmOf, DEFAULT_ALGORITHM, type SignatureAlgorithm } from './algorithm.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { constructed, DerError, element, integerFromHex, sequence, time } from './der.ts';
import {
  encodeAuthorityInfoAccess,
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeCrlDistributionPoints,
  encodeExtension,
  encodeKeyUsage,
  encodeSubjectKeyId,
} from './extensions.ts';
import { decodeNameConstraints, encodeNameConstraints, type NameConstraints } from './name-constraints.ts';
import { OID } from './oid.ts';
import { keyTypeOf } from './public-key.ts';
import type { IssuerShape } from './shape.ts';
import { VERSION_3 } from './tbs.ts';

/**
 * Everything that a CA certificate says. Names are DER (distinguished-name.ts), key identifiers hex, times
 * milliseconds.
 */
export interface CaFacts {
  readonly kind: 'root' | 'intermediate';
  readonly serial: string;
  /** The key that signs: the root's own, or the root's over an intermediate. */
  readonly issuer: { readonly subject: Uint8Array; readonly keyId: string; readonly algorithm: SignatureAlgorithm };
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly keyId: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** 0 for an intermediate that issues leaves only; a root has none. */
  readonly pathLength?: number;
  /** Where the issuer's CRL is, whole. Roots have neither this nor the next. */
  readonly crlUrl?: string;
  readonly caIssuersUrl?: string;
  readonly nameConstraints?: NameConstraints;
}

/** The TBSCertificate. Throws RangeError or TypeError for facts that cannot be written. */
export function renderCaTbs(facts: CaFacts): Uint8Array {
  const { issuer } = facts;
  if (facts.kind === 'root' && Buffer.compare(issuer.subject, facts.subject) !== 0)
    throw new TypeError('a root is its own issuer');
  return sequence(
    VERSION_3,
    integerFromHex(facts.serial),
    ALGORITHMS[issuer.algorithm].identifier,
    issuer.subject,
    sequence(time(facts.notBefore), time(facts.notAfter)),
    facts.subject,
    facts.spki,
    element(constructed(3), sequence(...extensionsFor(facts))),
  );
}

function extensionsFor({ issuer, keyId, pathLength, crlUrl, caIssuersUrl, nameConstraints }: CaFacts): Uint8Array[] {
  const constraints = pathLength === undefined ? { ca: true } : { ca: true, pathLength };
  const rows: [oid: string, critical: boolean, value: Uint8Array | undefined][] = [
    [OID.basicConstraints, true, encodeBasicConstraints(constraints)],
    [OID.keyUsage, true, encodeKeyUsage(['keyCertSign', 'cRLSign'])],
    [OID.subjectKeyIdentifier, false, encodeSubjectKeyId(keyId)],
    [OID.authorityKeyIdentifier, false, encodeAuthorityKeyId(issuer.keyId)],
    [OID.nameConstraints, true, nameConstraints && encodeNameConstraints(nameConstraints)],
    [OID.crlDistributionPoints, false, crlUrl === undefined ? undefined : encodeCrlDistributionPoints(crlUrl)],
    [OID.authorityInfoAccess, false, caIssuersUrl === undefined ? undefined : encodeAuthorityInfoAccess(caIssuersUrl)],
  ];
  return rows.flatMap(([oid, critical, value]) =>
    value === undefined ? [] : [encodeExtension({ oid, critical, value })],
  );
}

export interface IssuerSettings {
  readonly id: string;
  readonly shards: number;
  readonly crlUrl: string;
  readonly caIssuersUrl: string;
  readonly ocspUrl?: string;
  readonly holds?: boolean;
  /** What this key signs with; by default what its type calls for (PKCS #1 v1.5 for RSA). */
  readonly algorithm?: SignatureAlgorithm;
}

/**
 * The issuer that a CA certificate makes of a key. Throws DerError, saying why, when it is no CA certificate that we
 * can issue from.
 */
export function issuerShapeOf(certificate: Uint8Array, settings: IssuerSettings): IssuerShape {
  const { tbs } = parseCertificate(certificate);
  const { subject, spki, notBefore, notAfter, subjectKeyId: keyId } = tbs;
  if (tbs.basicConstraints?.ca !== true) throw new DerError('the certificate is not that of a CA');
  const usages = tbs.keyUsage?.usages ?? [];
  if (!usages.includes('keyCertSign') || !usages.includes('cRLSign'))
    throw new DerError('the certificate lets its key not sign certificates and CRLs');
  if (keyId === undefined) throw new DerError('the certificate has no subject key identifier');
  const keyType = keyTypeOf(spki);
  const algorithm = settings.algorithm ?? DEFAULT_ALGORITHM[keyType];
  if (ALGORITHMS[algorithm].keyType !== keyType) throw new DerError(`the key cannot sign with ${algorithm}`);
  const constraints = tbs.extension(OID.nameConstraints);
  const { id, shards, crlUrl, caIssuersUrl, ocspUrl, holds } = settings;
  return {
    id,
    subject,
    spki,
    keyId,
    algorithm,
    notBefore,
    notAfter,
    shards,
    crlUrl,
    caIssuersUrl,
    ...(ocspUrl === undefined ? {} : { ocspUrl }),
    ...(holds === undefined ? {} : { holds }),
    ...(constraints === undefined ? {} : { permitted: decodeNameConstraints(constraints.value) }),
  };
}

/**
 * Whether `certificate` is signed by the key of `issuer`: names, algorithm fields and signature. Dates are not
 * looked at.
 */
export function isSignedBy(certificate: Certificate, issuer: Pick<Certificate, 'tbs'>): boolean {
  const algorithm = algorithmOf(certificate.signatureAlgorithm);
  return (
    algorithm !== undefined &&
    Buffer.compare(certificate.signatureAlgorithm, certificate.tbs.signature) === 0 &&
    Buffer.compare(certificate.tbs.issuer, issuer.tbs.subject) === 0 &&
    ALGORITHMS[algorithm].verify(issuer.tbs.spki, certificate.tbsBytes, certificate.signature)
  );
}
