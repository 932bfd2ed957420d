// tls-alpn-01 (RFC 8737; RFC 8738 §6 for IP addresses): the host presents a certificate made for this challenge.
import { createHash } from 'node:crypto';
import { type Host, hostText } from '../dial/host.ts';
import { ipOctets } from '../x509/ip.ts';
import { acmeCertificateFault } from './acme-certificate.ts';
import { type Challenge, unauthorized } from './challenge.ts';

const ALPN = 'acme-tls/1';

export const tlsAlpn01: Challenge = async ({ dialer, tlsAlpn01Port }, { host, keyAuthorization }, call) => {
  const peer = await dialer.tlsPeer(host, tlsAlpn01Port, { alpn: ALPN, servername: serverName(host) }, call);
  const where = `${hostText(host)} at ${peer.address} port ${tlsAlpn01Port}`;
  const tlsVersion = peer.version;
  if (peer.protocol !== ALPN) return unauthorized(`${where} did not negotiate ${ALPN}.`, { tlsVersion });
  if (peer.certificate === undefined) return unauthorized(`${where} presented no certificate.`, { tlsVersion });

  const facts = { tlsVersion, certificateSha256: createHash('sha256').update(peer.certificate).digest('hex') };
  const digest = createHash('sha256').update(keyAuthorization, 'latin1').digest();
  const fault = acmeCertificateFault(peer.certificate, host, digest);
  if (fault === undefined) return { ok: true, facts };
  return unauthorized(`${where} presented a certificate that does not prove control: ${fault}.`, facts);
};

/** RFC 8738 §6: an address cannot stand in SNI, so its reverse name does. */
export function serverName(host: Host): string {
  if (host.kind === 'name') return host.name;
  const octets = ipOctets(host.address);
  if (octets === undefined) throw new Error(`${host.address} is no address`);
  if (octets.length === 4) return `${octets.toReversed().join('.')}.in-addr.arpa`;
  const nibbles = Buffer.from(octets).toString('hex').split('');
  return `${nibbles.reverse().join('.')}.ip6.arpa`;
}
