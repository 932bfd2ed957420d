// A tls-alpn-01 host for tests: serves certificates made on the fly, right ones and one for each way to be wrong.
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type TLSSocket } from 'node:tls';
import { bitString, boolean, constructed, element, integer, nullValue, octetString, oid, primitive, sequence, setOf, text, time, TAG } from '../../src/x509/der.ts';
import { ipOctets } from '../../src/x509/ip.ts';

/** What is wrong with the certificate, or with the handshake. `san-twice` can be made but not served: OpenSSL refuses. */
export type TlsAlpn01Violation =
  | 'other-name' | 'two-names' | 'name-and-ip' | 'no-san' | 'upper-case-name' | 'san-twice'
  | 'wrong-digest' | 'not-critical' | 'legacy-oid' | 'no-identifier' | 'identifier-twice' | 'identifier-trailing' | 'identifier-short'
  | 'other-issuer' | 'bad-signature' | 'expired' | 'rsa'
  | 'no-alpn' | 'other-alpn' | 'hang' | 'alert' | 'tls-1.1' | 'plain-text';

/** Wrong or odd in the handshake; everything else is about the certificate. */
const HANDSHAKE: ReadonlySet<string> = new Set(['no-alpn', 'other-alpn', 'hang', 'alert', 'tls-1.1', 'plain-text']);

export interface TlsAlpn01Responder extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `name`: a DNS name, or an IP address in canonical text. */
  set(name: string, keyAuthorization: string, violation?: TlsAlpn01Violation): void;
  remove(name: string): void;
  /** For handshakes that begin from now on; certificate violations are set by name. */
  behave(violation: TlsAlpn01Violation | undefined): void;
  /** What clients offered, the newest last; bounded. */
  readonly hellos: readonly { servername: string | undefined; protocols: readonly string[] }[];
  /** Octets of application data that clients sent. */
  readonly received: number;
  close(): Promise<void>;
}

export async function startTlsAlpn01Responder(options: { host?: string; port?: number } = {}): Promise<TlsAlpn01Responder> {
  const host = options.host ?? '127.0.0.1';
  const contexts = new Map<string, SecureContext>();
  const hellos: { servername: string | undefined; protocols: readonly string[] }[] = [];
  const sockets = new Set<Socket>();
  let mode: TlsAlpn01Violation | undefined;
  let received = 0;

  const fallback = acmeCertificate('nobody.test', 'nothing');
  const server = createServer({
    ...fallback,
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
    ALPNCallback({ servername, protocols }) {
      hellos.push({ servername, protocols });
      if (hellos.length > 1000) hellos.shift();
      if (mode === 'alert') return undefined; // RFC 7301 §3.2: no_application_protocol
      return protocols.includes('acme-tls/1') ? 'acme-tls/1' : undefined;
    },
    SNICallback: (servername, done) => done(null, contexts.get(servername) ?? createSecureContext(fallback)),
  });
  const silent = createServer({ ...fallback, SNICallback: (name, done) => done(null, contexts.get(name) ?? createSecureContext(fallback)) });
  const old = createServer({ ...fallback, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0', ALPNProtocols: ['acme-tls/1'] });
  for (const tls of [server, silent, old]) {
    tls.on('tlsClientError', () => {});
    tls.on('secureConnection', (socket: TLSSocket) => {
      socket.on('data', (chunk) => {
        received += chunk.length;
      });
      socket.on('error', () => {});
    });
  }

  // One listening socket in front, so that the mode can change without the port changing.
  const front = createTcpServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    if (mode === 'plain-text') socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    else if (mode !== 'hang') (mode === 'no-alpn' ? silent : mode === 'tls-1.1' ? old : server).emit('connection', socket);
  });
  front.listen(options.port ?? 0, host);
  await once(front, 'listening');

  const close = async () => {
    for (const socket of sockets) socket.destroy();
    front.close();
    await once(front, 'close');
  };
  return {
    host,
    port: (front.address() as { port: number }).port,
    set(name, keyAuthorization, violation) {
      contexts.set(sniOf(name), createSecureContext(acmeCertificate(name, keyAuthorization, violation)));
    },
    remove(name) {
      contexts.delete(sniOf(name));
    },
    behave(violation) {
      if (violation !== undefined && !HANDSHAKE.has(violation)) throw new Error(`${violation} is set by name`);
      mode = violation;
    },
    hellos,
    get received() {
      return received;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sniOf(name: string): string {
  const octets = ipOctets(name);
  if (octets === undefined) return name;
  if (octets.length === 4) return `${octets.toReversed().join('.')}.in-addr.arpa`;
  return `${Buffer.from(octets).toString('hex').split('').reverse().join('.')}.ip6.arpa`;
}

const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
let rsaKey: KeyObject | undefined;

/** A certificate of RFC 8737 §3 with its key, in PEM, written with our own DER writer. */
export function acmeCertificate(name: string, keyAuthorization: string, violation?: TlsAlpn01Violation): { cert: string; key: string; der: Buffer } {
  if (violation === 'rsa') rsaKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const key = violation === 'rsa' ? (rsaKey as KeyObject) : ecKey;
  const algorithm = violation === 'rsa' ? sequence(oid('1.2.840.113549.1.1.11'), nullValue()) : sequence(oid('1.2.840.10045.4.3.2'));
  const subject = commonName('ACME challenge');
  const expired = violation === 'expired';
  const tbs = sequence(
    element(constructed(0), integer(2)),
    integer(1),
    algorithm,
    violation === 'other-issuer' ? commonName('Somebody else') : subject,
    sequence(time(Date.UTC(2020, 0, 1)), time(Date.UTC(expired ? 2021 : 2045, 0, 1))),
    subject,
    publicKeyOf(key),
    element(constructed(3), sequence(...extensions(name, keyAuthorization, violation))),
  );
  const signature = sign('sha256', tbs, key);
  if (violation === 'bad-signature') signature[signature.length - 1] = (signature.at(-1) as number) ^ 1;
  const der = Buffer.from(sequence(tbs, algorithm, bitString(signature)));
  const cert = `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  return { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) as string, der };
}

const commonName = (value: string): Uint8Array =>
  sequence(setOf(sequence(oid('2.5.4.3'), text(TAG.utf8String, value))));

const publicKeyOf = (key: KeyObject): Uint8Array => createPublicKey(key).export({ type: 'spki', format: 'der' });

function extensions(name: string, keyAuthorization: string, violation: TlsAlpn01Violation | undefined): Uint8Array[] {
  const extension = (dotted: string, critical: boolean, value: Uint8Array) =>
    sequence(oid(dotted), ...(critical ? [boolean(true)] : []), octetString(value));
  const dns = (value: string) => element(primitive(2), Buffer.from(value, 'latin1'));
  const octets = ipOctets(name);
  const right = octets ? element(primitive(7), octets) : dns(violation === 'upper-case-name' ? name.toUpperCase() : name);
  const names: Partial<Record<TlsAlpn01Violation, Uint8Array[]>> = {
    'other-name': [dns('other.test')],
    'two-names': [right, dns('other.test')],
    'name-and-ip': [right, element(primitive(7), Uint8Array.of(127, 0, 0, 1))],
  };
  const san = extension('2.5.29.17', false, sequence(...((violation && names[violation]) ?? [right])));

  const digest = createHash('sha256').update(violation === 'wrong-digest' ? 'another' : keyAuthorization).digest();
  const values: Partial<Record<TlsAlpn01Violation, Uint8Array>> = {
    'identifier-trailing': Buffer.concat([octetString(digest), Buffer.from([5, 0])]),
    'identifier-short': octetString(digest.subarray(0, 31)),
  };
  const dotted = violation === 'legacy-oid' ? '1.3.6.1.5.5.7.1.30.1' : '1.3.6.1.5.5.7.1.31';
  const identifier = extension(dotted, violation !== 'not-critical', (violation && values[violation]) ?? octetString(digest));

  const sans = violation === 'no-san' ? [] : violation === 'san-twice' ? [san, san] : [san];
  const identifiers = violation === 'no-identifier' ? [] : violation === 'identifier-twice' ? [identifier, identifier] : [identifier];
  return [...sans, ...identifiers];
}
