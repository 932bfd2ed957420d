/** The identifier of a certificate in renewal requests (RFC 9773 §4.1), made from its PEM as a client makes it. */
import { parseCertificate } from '../../src/x509/certificate.ts';
import { decodePem } from '../../src/x509/pem.ts';

export interface NamedCertificate {
  readonly certId: string;
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Of the first certificate of a chain. */
export function namedCertificate(pem: string): NamedCertificate {
  const [der] = decodePem('CERTIFICATE', pem);
  if (der === undefined) throw new Error('no certificate');
  const { tbs } = parseCertificate(der);
  const keyId = tbs.authorityKeyId?.keyId ?? '';
  const encode = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
  return { certId: `${encode(keyId)}.${encode(tbs.serial)}`, serial: tbs.serial, notBefore: tbs.notBefore, notAfter: tbs.notAfter };
}
