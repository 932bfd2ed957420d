/** The CRL of an offline root (RFC 5280 §5, BR §7.2): one list for all that it issued, so that it has no distribution point to name. */
import { ALGORITHMS, type SignatureAlgorithm } from './algorithm.ts';
import { constructed, element, integer, sequence, time } from './der.ts';
import { encodeAuthorityKeyId, encodeExtension } from './extensions.ts';
import { OID } from './oid.ts';

export interface RootCrlFacts {
  /** DER Name of the root. */
  readonly subject: Uint8Array;
  /** Its subject key identifier, hex. */
  readonly keyId: string;
  readonly algorithm: SignatureAlgorithm;
  readonly number: bigint;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Entry after entry; empty when nothing is revoked. */
  readonly entries: Uint8Array;
}

export const renderRootCrlTbs = ({ subject, keyId, algorithm, number, thisUpdate, nextUpdate, entries }: RootCrlFacts): Uint8Array =>
  sequence(
    integer(1), // v2
    ALGORITHMS[algorithm].identifier,
    subject,
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length === 0 ? [] : [sequence(entries)]),
    element(
      constructed(0),
      sequence(
        encodeExtension({ oid: OID.authorityKeyIdentifier, critical: false, value: encodeAuthorityKeyId(keyId) }),
        encodeExtension({ oid: OID.crlNumber, critical: false, value: integer(number) }),
      ),
    ),
  );
