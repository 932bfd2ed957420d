// A TLS handshake for its certificate's sake: nothing is verified here, nothing is sent, and it is closed at once.
import { connect as startTls, createSecureContext } from 'node:tls';
import { type ConnectorConfig, named, openConnection } from './connect.ts';
import { faultFrom } from './dial-fault.ts';
import type { Host } from './host.ts';
import type { Call } from './resolver.ts';

export interface TlsAsk {
  /** The only protocol offered. */
  readonly alpn: string;
  /** Server name indication; for an IP address its reverse name (RFC 8738 §6). */
  readonly servername: string;
}

export interface TlsPeer {
  readonly address: string;
  /** What the server chose; undefined when it ignored ALPN. */
  readonly protocol: string | undefined;
  readonly version: string;
  /** The leaf certificate as it was sent; undefined when none was. */
  readonly certificate: Uint8Array | undefined;
}

const context = createSecureContext({ minVersion: 'TLSv1.2' });

/** Throws DialFault: `tls` when the handshake fails, and what openConnection throws. */
export async function tlsPeer(
  config: ConnectorConfig,
  host: Host,
  port: number,
  ask: TlsAsk,
  call: Call,
): Promise<TlsPeer> {
  const { socket, address } = await openConnection(config, host, port, call);
  try {
    return await new Promise<TlsPeer>((resolve, reject) => {
      const stream = startTls({
        socket,
        secureContext: context,
        rejectUnauthorized: false,
        ALPNProtocols: [ask.alpn],
        servername: ask.servername,
      });
      stream.on('error', reject);
      stream.once('close', reject);
      stream.once('secureConnect', () => {
        resolve({
          address,
          protocol: stream.alpnProtocol || undefined,
          version: stream.getProtocol() ?? '',
          certificate: stream.getPeerX509Certificate()?.raw,
        });
        stream.destroy();
      });
    });
  } catch (error) {
    throw faultFrom(error, 'tls', `TLS with ${named(host, address)} port ${port}`, call.signal);
  } finally {
    socket.destroy();
  }
}
