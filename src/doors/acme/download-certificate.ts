/** RFC 8555 §7.4.2: the certificate and those above it, without the root. It can be had for as long as it is stored. */
import { encodePem } from '../../x509/pem.ts';
import type { AccountHandler } from './handler.ts';
import { malformed } from './problem.ts';

/** Erratum 5983: one certificate after the other, no text and no empty line between them. Whatever `Accept` says, it is PEM. */
export const downloadCertificate: AccountHandler<'certificate'> = ({ ca }, { payload, about }) => {
  if (payload !== undefined) throw malformed('A certificate is read by POST-as-GET, with an empty payload.');
  const content = [about.der, ...ca.chain(about.issuerKey)].map((der) => encodePem('CERTIFICATE', der)).join('');
  return { status: 200, text: { type: 'application/pem-certificate-chain', content } };
};
