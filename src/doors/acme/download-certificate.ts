/** RFC 8555 §7.4.2: the certificate and those above it, without the root. It can be had for as long as it is stored. */
import { encodePem } from '../../x509/pem.ts';
import type { AccountHandler } from './handler.ts';
import { malformed, notFound } from './problem.ts';
import { certificateUrl } from './wire.ts';

/** Erratum 5983: one certificate after the other, no text and no empty line between them. Whatever `Accept` says, it is PEM. */
export const downloadCertificate: AccountHandler<'certificate'> = ({ ca }, { site, payload, about, ids }) => {
  if (payload !== undefined) throw malformed('A certificate is read by POST-as-GET, with an empty payload.');
  const { issuerKey, serial } = about;
  const chains = [ca.chain(issuerKey), ...ca.alternateChains(issuerKey)];
  const which = chains.findIndex((_, index) => suffixOf(index) === (ids['chain'] ?? ''));
  const chain = chains[which];
  if (chain === undefined) throw notFound('chain');
  const content = [about.der, ...chain].map((der) => encodePem('CERTIFICATE', der)).join('');
  // "If the server provides alternate chains, it MUST include …"; each on a line of its own, as acme.sh reads them.
  const links = chains.flatMap((_, index) => (index === which ? [] : [`<${[certificateUrl(site, issuerKey, serial), suffixOf(index)].filter(Boolean).join('/')}>;rel="alternate"`]));
  return { status: 200, text: { type: 'application/pem-certificate-chain', content }, ...(links.length === 0 ? {} : { headers: { Link: links } }) };
};

/** The chain under `certificates` has none; the others are counted from 1. */
const suffixOf = (index: number): string => (index === 0 ? '' : String(index));
