/** RFC 8739 §3.3: the URL under which the certificate of the moment is found, for the account and, where that was agreed, for anybody. */
import { isPublicId } from '../../../database/public-id.ts';
import { encodePem } from '../../../x509/pem.ts';
import type { AccountHandler, Acme, OpenHandler, Reply } from '../handler.ts';
import { AcmeError, malformed, notFound } from '../problem.ts';
import type { Site } from '../site.ts';
import { type CurrentCertificate, currentCertificate } from './store.ts';

export const downloadStarCertificate: AccountHandler<'order'> = async (acme, { site, payload, about }) => {
  if (payload !== undefined) throw malformed('A certificate is read by POST-as-GET, with an empty payload.');
  return reply(acme, await find(acme, site, about.id));
};

/** Without a proof of who asks: the id in the URL is the only secret, and what is behind it is public. */
export const fetchStarCertificate: OpenHandler = async (acme, { site, ids }) => {
  const found = await find(acme, site, ids['order'] ?? '');
  if (!found.renewal.certificateGet) throw notFound('certificate');
  return reply(acme, found);
};

async function find({ database }: Acme, site: Site, order: string): Promise<CurrentCertificate> {
  const found = isPublicId(order) ? await currentCertificate(database, site, order) : undefined;
  if (found === undefined) throw notFound('certificate');
  return found;
}

function reply({ ca, clock }: Acme, { renewal, canceled, issuerKey, der, notBefore, notAfter }: CurrentCertificate): Reply {
  if (canceled) throw new AcmeError('autoRenewalCanceled', 'The order was canceled: there are no further certificates.');
  if (clock.now() > renewal.end) throw new AcmeError('autoRenewalExpired', 'The "end-date" of the order is past: there are no further certificates.');
  return {
    status: 200,
    text: {
      type: 'application/pem-certificate-chain',
      content: [der, ...ca.chain(issuerKey)].map((each) => encodePem('CERTIFICATE', each)).join(''),
    },
    // §3.3: so that a client knows when to come again without reading the certificate.
    headers: { 'Cert-Not-Before': new Date(notBefore).toUTCString(), 'Cert-Not-After': new Date(notAfter).toUTCString() },
  };
}
