/** OCSPResponse (RFC 6960 §4.2.1): rendered, and read back by the signer, the prober and tests. */
import { ALGORITHMS, type SignatureAlgorithm } from './algorithm.ts';
import {
  bitString,
  constructed,
  DerError,
  type DerReader,
  element,
  octetString,
  oid,
  primitive,
  readWhole,
  sequence,
  TAG,
  text,
} from './der.ts';
import { decodeExtensions, encodeExtension } from './extensions.ts';
import { hexOf } from './hex.ts';
import { type CertId, decodeCertId, decodeNonce } from './ocsp.ts';
import { OID } from './oid.ts';

/** OCSPResponseStatus: all but `successful`, which come without a signature. */
export const OCSP_ERRORS = { malformedRequest: 1, internalError: 2, tryLater: 3, sigRequired: 5, unauthorized: 6 } as const;
export type OcspError = keyof typeof OCSP_ERRORS;

/** Five octets; `unauthorized` is `30 03 0a 01 06`. */
export const ocspErrorResponse = (error: OcspError): Uint8Array =>
  sequence(element(TAG.enumerated, Uint8Array.of(OCSP_ERRORS[error])));

/** What is said of one certificate. We never say `unknown`: of what we did not issue nothing is signed (RFC 5019 §2.2.3). */
export type CertStatus =
  | { readonly kind: 'good' }
  /** `reason` as CRLReason; none for unspecified. */
  | { readonly kind: 'revoked'; readonly at: number; readonly reason?: number };

export interface SingleResponse {
  readonly certId: Uint8Array;
  readonly status: CertStatus;
}

/** Times are milliseconds, whole seconds. All certificates of one response have one window. */
export interface ResponseFacts {
  /** SHA-1 of the responder's public key, hex: responderKeyHash. */
  readonly responder: string;
  readonly producedAt: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly responses: readonly SingleResponse[];
  readonly nonce?: Uint8Array;
}

/** ResponseData: the bytes that are signed, the same for the same facts. Throws RangeError for times that cannot be written. */
export function renderResponseData({ responder, producedAt, thisUpdate, nextUpdate, responses, nonce }: ResponseFacts): Uint8Array {
  const window = [generalizedTime(thisUpdate), element(constructed(0), generalizedTime(nextUpdate))];
  const extensions =
    nonce === undefined
      ? []
      : [
          element(
            constructed(1),
            sequence(encodeExtension({ oid: OID.ocspNonce, critical: false, value: octetString(nonce) })),
          ),
        ];
  return sequence(
    element(constructed(2), octetString(Buffer.from(responder, 'hex'))),
    generalizedTime(producedAt),
    sequence(...responses.map(({ certId, status }) => sequence(certId, encodeStatus(status), ...window))),
    ...extensions,
  );
}

const encodeStatus = (status: CertStatus): Uint8Array =>
  status.kind === 'good'
    ? element(primitive(0))
    : element(
        constructed(1),
        generalizedTime(status.at),
        ...(status.reason === undefined
          ? []
          : [element(constructed(0), element(TAG.enumerated, Uint8Array.of(status.reason)))]),
      );

/** RFC 6960 writes every time so, to the second, whatever the year. */
function generalizedTime(at: number): Uint8Array {
  if (!Number.isSafeInteger(at) || at % 1000 !== 0 || at < 0) throw new RangeError(`${at} is not a whole second`);
  return text(TAG.generalizedTime, new Date(at).toISOString().replace(/[-:T]|\.000/g, ''));
}

/** OCSPResponse `successful` around what was signed; `certificates` are DER, the responder's own. */
export const assembleOcspResponse = (
  responseData: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
  certificates: readonly Uint8Array[],
): Uint8Array =>
  sequence(
    element(TAG.enumerated, Uint8Array.of(0)),
    element(
      constructed(0),
      sequence(
        oid(OID.ocspBasic),
        octetString(
          sequence(
            responseData,
            ALGORITHMS[algorithm].identifier,
            bitString(signature),
            ...(certificates.length === 0 ? [] : [element(constructed(0), sequence(...certificates))]),
          ),
        ),
      ),
    ),
  );

/** As ResponseFacts, with what each CertID says. */
export interface FoundResponseData extends Omit<ResponseFacts, 'responses'> {
  readonly responses: readonly (SingleResponse & { readonly named: CertId })[];
}

/** Throws DerError unless `bytes` are ResponseData as renderResponseData writes it: byKey, one window, no other extension. */
export function parseResponseData(bytes: Uint8Array): FoundResponseData {
  const fields = readWhole(bytes, TAG.sequence, 'the ResponseData');
  const byKey = fields.enter(constructed(2), 'the responder');
  const responder = hexOf(byKey.take(TAG.octetString, 'the hash of the responder key'));
  byKey.end('the responder');
  const producedAt = readTime(fields, 'producedAt');
  const singles: ReturnType<typeof readSingle>[] = [];
  for (const list = fields.enter(TAG.sequence, 'the responses'); list.more; ) singles.push(readSingle(list));
  const nonce = fields.tag === constructed(1) ? readNonce(fields) : undefined;
  fields.end('the ResponseData');
  const [first] = singles;
  if (first === undefined) throw new DerError('there is no response');
  const { thisUpdate, nextUpdate } = first;
  if (singles.some((single) => single.thisUpdate !== thisUpdate || single.nextUpdate !== nextUpdate))
    throw new DerError('the responses have several windows');
  return { responder, producedAt, thisUpdate, nextUpdate, responses: singles, ...(nonce === undefined ? {} : { nonce }) };
}

function readSingle(list: DerReader) {
  const fields = list.enter(TAG.sequence, 'a response');
  const named = decodeCertId(fields);
  const status = readStatus(fields);
  const thisUpdate = readTime(fields, 'thisUpdate');
  const explicit = fields.enter(constructed(0), 'nextUpdate');
  const nextUpdate = readTime(explicit, 'nextUpdate');
  explicit.end('nextUpdate');
  fields.end('a response');
  return { named, certId: named.der, status, thisUpdate, nextUpdate };
}

function readStatus(fields: DerReader): CertStatus {
  if (fields.tag !== constructed(1)) {
    if (fields.take(primitive(0), 'the status').length > 0) throw new DerError('the status good has content');
    return { kind: 'good' };
  }
  const revoked = fields.enter(constructed(1), 'the status');
  const at = readTime(revoked, 'the time of revocation');
  if (!revoked.more) return { kind: 'revoked', at };
  const explicit = revoked.enter(constructed(0), 'the reason');
  const reason = explicit.smallInteger('the reason', TAG.enumerated);
  explicit.end('the reason');
  revoked.end('the status');
  return { kind: 'revoked', at, reason };
}

function readTime(fields: DerReader, what: string): number {
  if (fields.tag !== TAG.generalizedTime) throw new DerError(`${what} is not a GeneralizedTime`);
  return fields.time(what);
}

function readNonce(fields: DerReader): Uint8Array {
  const explicit = fields.enter(constructed(1), 'the extensions');
  const [nonce, another] = decodeExtensions(explicit);
  explicit.end('the extensions');
  if (nonce?.oid !== OID.ocspNonce || another !== undefined) throw new DerError('there is another extension than a nonce');
  return decodeNonce(nonce.value);
}

export interface FoundOcspResponse {
  readonly responseData: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
  readonly certificates: readonly Uint8Array[];
}

/** The parts of a successful response; the OCSPResponseStatus of any other. Throws DerError unless `der` is one OCSPResponse. */
export function parseOcspResponse(der: Uint8Array): FoundOcspResponse | number {
  const outer = readWhole(der, TAG.sequence, 'the OCSPResponse');
  const status = outer.smallInteger('the response status', TAG.enumerated);
  if (status !== 0) {
    outer.end('the OCSPResponse');
    return status;
  }
  const explicit = outer.enter(constructed(0), 'responseBytes');
  outer.end('the OCSPResponse');
  const typed = explicit.enter(TAG.sequence, 'responseBytes');
  explicit.end('responseBytes');
  if (typed.oid('the response type') !== OID.ocspBasic) throw new DerError('the response is of another type than basic');
  const basic = readWhole(typed.take(TAG.octetString, 'the response'), TAG.sequence, 'the BasicOCSPResponse');
  typed.end('responseBytes');
  const responseData = basic.element('the ResponseData', TAG.sequence);
  const signatureAlgorithm = basic.element('the signature algorithm', TAG.sequence);
  const signature = basic.wholeBits('the signature');
  const certificates: Uint8Array[] = [];
  if (basic.tag === constructed(0)) {
    const list = basic.enter(constructed(0), 'the certificates').enter(TAG.sequence, 'the certificates');
    while (list.more) certificates.push(list.element('a certificate', TAG.sequence));
  }
  basic.end('the BasicOCSPResponse');
  return { responseData, signatureAlgorithm, signature, certificates };
}
