/** Whether what was fetched at a URL of ours is what a relying party needs there: bytes in, fault out. Pure. */
import { runCrlLints } from '../../../lint/index.ts';
import { ALGORITHMS, algorithmOf } from '../../../x509/algorithm.ts';
import { isSignedBy } from '../../../x509/ca-certificate.ts';
import { type Certificate, parseCertificate } from '../../../x509/certificate.ts';
import { parseCrl } from '../../../x509/crl.ts';
import { DerError } from '../../../x509/der.ts';
import { responderKeyHash } from '../../../x509/ocsp.ts';
import { OCSP_ERRORS, parseOcspResponse, parseResponseData } from '../../../x509/ocsp-response.ts';
import { windowOf } from '../ocsp/window.ts';
import { OID } from '../../../x509/oid.ts';
import type { IssuerShape } from '../../../x509/shape.ts';

/** Under what is judged. Times are ms. */
export interface Seen {
  readonly now: number;
  /** A CRL that is older was not replaced in time, though it may be good still. */
  readonly lateAfterMs: number;
  /** The highest CRL number that stood here before. */
  readonly before?: bigint;
}

export interface Finding {
  /** A clause about the thing that was fetched; absent when nothing is wrong. */
  readonly fault?: string;
  /** Of a CRL. */
  readonly number?: bigint;
}

export type Judge = (body: Uint8Array, seen: Seen) => Finding;

/** Clocks of relying parties differ from ours; what begins later than this they would not believe. */
const CLOCK_SLACK_MS = 10 * 60_000;

/** A shard's CRL: signed by the issuer whose certificates name the URL, saying that URL of itself, and fresh (T-CRL-11). */
export const judgeShard = (issuer: IssuerShape, shard: number): Judge => readable('CRL', (body, seen) => {
  const { tbs, tbsBytes, signatureAlgorithm, signature } = parseCrl(body);
  if (algorithmOf(signatureAlgorithm) !== issuer.algorithm || !ALGORITHMS[issuer.algorithm].verify(issuer.spki, tbsBytes, signature)) {
    return { fault: `it is not signed by ${issuer.id}` };
  }
  const [lint] = runCrlLints({ crl: tbs, issuer, shard }).filter(({ severity }) => severity === 'error');
  return judgeCrl(lint?.detail, tbs, seen);
});

/** The CRL of an offline root. Its age is the ceremony's business; that it runs out is told long before (wiring/root-crls.ts). */
export const judgeRootCrl = (root: Certificate): Judge => readable('CRL', (body, seen) => {
  const { tbs, tbsBytes, signatureAlgorithm, signature } = parseCrl(body);
  const algorithm = algorithmOf(signatureAlgorithm);
  if (algorithm === undefined || !ALGORITHMS[algorithm].verify(root.tbs.spki, tbsBytes, signature)) return { fault: 'it is not signed by the root' };
  const scope = tbs.distributionPoint;
  const fault = Buffer.compare(tbs.issuer, root.tbs.subject) !== 0 ? 'it has another issuer than the root'
    : scope?.onlyUserCertificates || scope?.narrowed ? 'it is not about CA certificates' : undefined;
  return judgeCrl(fault, tbs, { ...seen, lateAfterMs: Number.POSITIVE_INFINITY });
});

function judgeCrl(scope: string | undefined, { thisUpdate, nextUpdate = 0, number }: ReturnType<typeof parseCrl>['tbs'], { now, lateAfterMs, before = 0n }: Seen): Finding {
  const fault = scope
    ?? windowFault(thisUpdate, nextUpdate, now)
    ?? (number === undefined || number.value < before ? `its number ${number?.value} is below ${before}, which stood there before` : undefined)
    ?? (now - thisUpdate > lateAfterMs ? `it is of ${time(thisUpdate)}, and should have been replaced` : undefined);
  return { ...(fault === undefined ? {} : { fault }), ...(number === undefined ? {} : { number: number.value }) };
}

/** What is asked of a responder, and what it is to say: that the certificate with this CertID is good. */
export const judgeOcsp = (issuer: Certificate, certId: Uint8Array): Judge => readable('OCSP response', (body, { now }) => {
  const response = parseOcspResponse(body);
  if (typeof response === 'number') return { fault: `it says ${Object.entries(OCSP_ERRORS).find(([, code]) => code === response)?.[0] ?? response}` };
  const [der, ...more] = response.certificates;
  if (der === undefined || more.length > 0) return { fault: `it comes with ${response.certificates.length} certificates, not with its responder's alone` };
  const responder = parseCertificate(der);
  const algorithm = algorithmOf(response.signatureAlgorithm);
  const data = parseResponseData(response.responseData);
  const [single, ...others] = data.responses;
  const fault = responderFault(responder, issuer, now)
    ?? (algorithm === undefined || !ALGORITHMS[algorithm].verify(responder.tbs.spki, response.responseData, response.signature) || data.responder !== responderKeyHash(responder.tbs.spki)
      ? 'it is not signed by its responder' : undefined)
    ?? windowFault(data.thisUpdate, data.nextUpdate, now)
    ?? (now > windowOf(data.thisUpdate, data.nextUpdate - data.thisUpdate, []).refreshAt + CLOCK_SLACK_MS ? `it is of ${time(data.thisUpdate)}, and should have been replaced` : undefined)
    ?? (data.nextUpdate > responder.tbs.notAfter ? 'it outlives its responder' : undefined)
    ?? (single === undefined || others.length > 0 || Buffer.compare(single.certId, certId) !== 0 ? 'it is about another certificate' : undefined)
    ?? (single?.status.kind === 'good' ? undefined : `it says that a good certificate is ${single?.status.kind}`);
  return fault === undefined ? {} : { fault };
});

/** RFC 6960 §4.2.2.2: issued by the very CA, for this, and valid now. */
function responderFault(responder: Certificate, issuer: Certificate, now: number): string | undefined {
  const { notBefore, notAfter, extendedKeyUsage } = responder.tbs;
  if (!isSignedBy(responder, issuer)) return "its responder's certificate is not issued by the issuer of what was asked about";
  if (extendedKeyUsage?.join() !== OID.ocspSigning || responder.tbs.extension(OID.ocspNoCheck) === undefined) return "its responder's certificate is not one of a responder";
  return now < notBefore - CLOCK_SLACK_MS || now > notAfter ? "its responder's certificate is not valid now" : undefined;
}

/** RFC 5280 §4.2.2.1: the certificate itself, DER. */
export const judgeIssuerCertificate = (certificate: Uint8Array): Judge => (body) =>
  Buffer.compare(body, certificate) === 0 ? {} : { fault: "it is not the issuer's certificate" };

const windowFault = (thisUpdate: number, nextUpdate: number, now: number): string | undefined =>
  thisUpdate > now + CLOCK_SLACK_MS ? `it begins in the future, ${time(thisUpdate)}`
    : nextUpdate <= now ? `it ran out at ${time(nextUpdate)}` : undefined;

const time = (ms: number): string => new Date(ms).toISOString().replace('.000', '');

const readable = (what: string, judge: Judge): Judge => (body, seen) => {
  try {
    return judge(body, seen);
  } catch (error) {
    if (error instanceof DerError) return { fault: `it is no ${what}: ${error.message}` };
    throw error;
  }
};
