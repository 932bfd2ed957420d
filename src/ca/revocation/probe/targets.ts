/** What relying parties fetch because certificates of an issuer key, or its own certificate, say so: every URL, and what must be found there. */
import { parseCertificate } from '../../../x509/certificate.ts';
import { encodeCertId } from '../../../x509/ocsp.ts';
import { encodeOcspRequest } from '../../../x509/ocsp-request.ts';
import { crlUrlOf } from '../../../x509/shape.ts';
import type { IssuerKey } from '../../issuance/issuer-key.ts';
import type { ResponderCertificate } from '../ocsp/responder.ts';
import { type Judge, judgeIssuerCertificate, judgeOcsp, judgeRootCrl, judgeShard } from './judge.ts';

export type Probed = 'crl' | 'root-crl' | 'ocsp' | 'issuer-certificate';

export interface Target {
  readonly issuerKey: string;
  readonly what: Probed;
  /** As it stands in certificates. */
  readonly url: string;
  /** The same on a front's own status listener. */
  readonly path: string;
  /** What is added to either: the OCSP request (RFC 6960 appendix A.1). */
  readonly request: string;
  readonly contentType: string;
  readonly maxOctets: number;
  readonly judge: Judge;
}

/** The signer makes none that is larger. */
const MAX_CRL_OCTETS = 16 * 1024 * 1024;
const MAX_SMALL_OCTETS = 64 * 1024;

/**
 * @param withRootCrl whether the CRL of its root is served
 * @param responder its OCSP responder's certificate, which is what the responder is asked about: one that is good for certain
 */
export function targetsOf(key: IssuerKey, withRootCrl: boolean, responder: ResponderCertificate | undefined): Target[] {
  const { id, shape, root } = key;
  const own = key.chain[0] as Uint8Array;
  const crl = { issuerKey: id, request: '', contentType: 'application/pkix-crl', maxOctets: MAX_CRL_OCTETS };
  const shards = Array.from({ length: shape.shards }, (_, index): Target => ({
    ...crl, what: 'crl', url: crlUrlOf(shape, index + 1), path: `/crl/${id}/${index + 1}.crl`, judge: judgeShard(shape, index + 1),
  }));
  const rest: Target[] = [{
    issuerKey: id, what: 'issuer-certificate', url: shape.caIssuersUrl, path: `/ca/${id}.cer`, request: '', contentType: 'application/pkix-cert',
    maxOctets: MAX_SMALL_OCTETS, judge: judgeIssuerCertificate(own),
  }];
  if (withRootCrl) rest.push({ ...crl, what: 'root-crl', url: `${shape.crlUrl}/root.crl`, path: `/crl/${id}/root.crl`, judge: judgeRootCrl(parseCertificate(root)) });
  if (responder !== undefined && shape.ocspUrl !== undefined) {
    const certId = encodeCertId('sha1', shape, responder.serial);
    rest.push({
      issuerKey: id, what: 'ocsp', url: shape.ocspUrl, path: '/ocsp', request: `/${encodeURIComponent(Buffer.from(encodeOcspRequest([certId])).toString('base64'))}`,
      contentType: 'application/ocsp-response', maxOctets: MAX_SMALL_OCTETS, judge: judgeOcsp(parseCertificate(own), certId),
    });
  }
  return [...shards, ...rest];
}
