/** OCSPRequest (RFC 6960 §4.1.1), strictly read. What cannot be read is answered with malformedRequest. */
import { constructed, DerError, type DerReader, element, octetString, readWhole, sequence, TAG } from './der.ts';
import { decodeExtensions, encodeExtension, type Extension } from './extensions.ts';
import { type CertId, decodeCertId, decodeNonce, MAX_REQUESTS } from './ocsp.ts';
import { OID } from './oid.ts';

/** No honest request comes near this: eight CertIDs by SHA-256 and a nonce are below 1,200 octets; some clients sign theirs. */
export const MAX_REQUEST_OCTETS = 10_000;

export interface OcspRequest {
  /** 1 to MAX_REQUESTS, in the order asked; the same certificate may be asked for twice. */
  readonly certIds: readonly CertId[];
  /** 1 to 128 octets. */
  readonly nonce?: Uint8Array;
}

/**
 * Throws DerError unless `bytes` are one OCSPRequest in DER with 1 to 8 requests and nothing critical that we do not know.
 * Who asks (requestorName) and their signature are read over: everybody gets the same answer.
 */
export function parseOcspRequest(bytes: Uint8Array): OcspRequest {
  const outer = readWhole(bytes, TAG.sequence, 'the OCSPRequest', MAX_REQUEST_OCTETS);
  const fields = outer.enter(TAG.sequence, 'the TBSRequest');
  if (outer.tag === constructed(0)) outer.take(constructed(0), 'the signature');
  outer.end('the OCSPRequest');
  if (fields.tag === constructed(0)) throw new DerError('the version is written although it is the default, or is not v1');
  if (fields.tag === constructed(1)) fields.take(constructed(1), 'requestorName');
  const certIds: CertId[] = [];
  for (const list = fields.enter(TAG.sequence, 'the requests'); list.more; ) certIds.push(readRequest(list));
  const extensions = fields.tag === constructed(2) ? readExtensions(fields, constructed(2)) : [];
  fields.end('the TBSRequest');
  if (certIds.length < 1 || certIds.length > MAX_REQUESTS) throw new DerError(`${certIds.length} requests in one`);
  const nonce = understood(extensions, OID.ocspNonce);
  return { certIds, ...(nonce === undefined ? {} : { nonce: decodeNonce(nonce.value) }) };
}

function readRequest(list: DerReader): CertId {
  const fields = list.enter(TAG.sequence, 'a request');
  const certId = decodeCertId(fields);
  if (fields.tag === constructed(0)) understood(readExtensions(fields, constructed(0)));
  fields.end('a request');
  return certId;
}

function readExtensions(fields: DerReader, tag: number): Extension[] {
  const explicit = fields.enter(tag, 'the extensions');
  const extensions = decodeExtensions(explicit);
  explicit.end('the extensions');
  return extensions;
}

/** RFC 6960 §4.4: an extension that is not known is passed over, unless it is critical. The one that is known stands once. */
function understood(extensions: readonly Extension[], known?: string): Extension | undefined {
  const stranger = extensions.find(({ oid, critical }) => critical && oid !== known);
  if (stranger !== undefined) throw new DerError(`the extension ${stranger.oid} is critical and not known`);
  const [found, again] = extensions.filter(({ oid }) => oid === known);
  if (again !== undefined) throw new DerError(`the extension ${known} is there twice`);
  return found;
}

/** A request as we ask ourselves (the prober), and as tests ask. */
export function encodeOcspRequest(certIds: readonly Uint8Array[], nonce?: Uint8Array): Uint8Array {
  const extensions =
    nonce === undefined
      ? []
      : [
          element(
            constructed(2),
            sequence(encodeExtension({ oid: OID.ocspNonce, critical: false, value: octetString(nonce) })),
          ),
        ];
  return sequence(sequence(sequence(...certIds.map((certId) => sequence(certId))), ...extensions));
}
