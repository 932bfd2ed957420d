/**
 * The signer's own opinion of an OCSP response: the responder is one that this issuer key delegated to, the window is now and ends
 * with it, and every certificate named is this issuer's. Whether one is revoked the signer cannot know; who says it stands in the journal.
 */
import type { Clock } from '../clock.ts';
import { ALGORITHMS } from '../x509/algorithm.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { issuerMark, MAX_REQUESTS, responderKeyHash } from '../x509/ocsp.ts';
import { parseResponseData, renderResponseData, type SingleResponse } from '../x509/ocsp-response.ts';
import { OID } from '../x509/oid.ts';
import { readSerial } from '../x509/serial.ts';
import type { SignerKey } from './config.ts';
import { reading, same, SLACK_MS } from './recheck.ts';

/** BR §4.9.10; a responder that ends sooner ends the window sooner. */
const WINDOW_MS = { least: 8 * 3_600_000, most: 10 * 86_400_000 };

/** A responder's certificate that was verified. */
export interface ResponderUnderCheck {
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** @returns reasons when the certificate is none by which this issuer key delegates to its responder (RFC 6960 §4.2.2.2) */
export function readResponder(der: Uint8Array, { issuer, responder }: SignerKey): ResponderUnderCheck | readonly string[] {
  return reading((): ResponderUnderCheck | readonly string[] => {
    const { tbs, tbsBytes, signatureAlgorithm, signature } = parseCertificate(der);
    const row = ALGORITHMS[issuer.algorithm];
    const reasons = [
      ...(same(tbs.issuer, issuer.subject) && same(signatureAlgorithm, row.identifier) && row.verify(issuer.spki, tbsBytes, signature)
        ? []
        : ['the certificate of the responder is not signed by the issuer key']),
      ...(responder !== undefined && same(tbs.spki, responder.spki) ? [] : ['the certificate is of another key than the responder']),
      ...(tbs.extendedKeyUsage?.join() === OID.ocspSigning ? [] : ['the certificate is not for OCSPSigning alone']),
    ];
    return reasons.length > 0 ? reasons : { serial: tbs.serial, notBefore: tbs.notBefore, notAfter: tbs.notAfter };
  });
}

export interface OcspRules {
  readonly key: SignerKey;
  /** issuerMarks of the issuer. */
  readonly marks: ReadonlySet<string>;
  readonly responder: ResponderUnderCheck;
  readonly clock: Clock;
}

/** @returns every reason not to sign; none means that it may be signed */
export function recheckOcsp(bytes: Uint8Array, { key, marks, responder, clock }: OcspRules): readonly string[] {
  return reading(() => {
    const said = parseResponseData(bytes);
    const { producedAt, thisUpdate, nextUpdate, responses } = said;
    const now = clock.now();
    const window = nextUpdate - thisUpdate;
    const checks: [boolean, string][] = [
      [same(renderResponseData(said), bytes), 'these are not the bytes that we render'],
      [said.responder === responderKeyHash(key.responder?.spki ?? key.issuer.spki), 'the responder named is another'],
      [now >= responder.notBefore && now <= responder.notAfter, "the responder's certificate is not valid now"],
      [nextUpdate <= responder.notAfter, "nextUpdate is after the end of the responder's certificate"],
      [nextUpdate <= key.issuer.notAfter, 'nextUpdate is after the end of the issuer'],
      [Math.abs(producedAt - now) <= SLACK_MS, 'producedAt is not now'],
      [thisUpdate <= producedAt && thisUpdate >= now - SLACK_MS, 'thisUpdate is not now'],
      [window <= WINDOW_MS.most, 'the window is longer than 10 days'],
      [window >= WINDOW_MS.least || nextUpdate === Math.min(responder.notAfter, key.issuer.notAfter), 'the window is shorter than 8 hours'],
      [window > 0, 'the window is empty'],
      [responses.length <= MAX_REQUESTS, `there are ${responses.length} responses`],
    ];
    return [
      ...checks.filter(([holds]) => !holds).map(([, reason]) => reason),
      ...responses.flatMap(({ named, status }) => [
        ...(marks.has(issuerMark(named)) ? [] : [`${named.serial} is asked of another issuer`]),
        ...(readSerial(named.serial) === undefined ? [`the serial ${named.serial} is not made as ours are`] : []),
        ...statusFaults(status, thisUpdate),
      ]),
    ];
  });
}

/** CRLReason (RFC 5280 §5.3.1): 0 is said by leaving it out, 7 is not used, 8 is for delta CRLs only. */
function statusFaults(status: SingleResponse['status'], thisUpdate: number): string[] {
  if (status.kind === 'good') return [];
  const { at, reason } = status;
  const known = reason === undefined || (reason >= 1 && reason <= 10 && reason !== 7 && reason !== 8);
  return [...(at <= thisUpdate ? [] : ['it is revoked after thisUpdate']), ...(known ? [] : [`there is no reason ${reason}`])];
}
