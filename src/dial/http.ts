// One GET over HTTP/1.1, as a certificate authority asks a stranger: bounded in time and size, every hop checked anew.
import { connect as startTls, createSecureContext } from 'node:tls';
import type { Duplex } from 'node:stream';
import { type Connection, type ConnectorConfig, named, openConnection } from './connect.ts';
import { DialFault, faultFrom } from './dial-fault.ts';
import { type HttpResponse, ResponseReader } from './http-response.ts';
import { authority, followLocation, type HttpTarget, targetText } from './http-target.ts';
import { printable } from './printable.ts';
import type { Call } from './resolver.ts';

export interface HttpConfig extends ConnectorConfig {
  /** Ports that a redirect may lead to. */
  readonly redirectPorts: ReadonlySet<number>;
}

export interface HttpAnswer {
  /** Of the last hop. */
  readonly status: number;
  /** At most 1 KiB. */
  readonly body: Buffer;
  readonly truncated: boolean;
  readonly url: string;
  readonly address: string;
  readonly redirected: boolean;
}

const MAX_BODY = 1024;
const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches the target, following at most ten redirects. The first target is the caller's business; each further one
 * must be http or https, on an allowed port, with a plain host, and its address passes the policy like any other.
 * Asks for no compression, keeps no connection, knows no proxy and no cookies. Throws DialFault.
 */
export async function httpGet(config: HttpConfig, first: HttpTarget, call: Call): Promise<HttpAnswer> {
  const seen = new Set<string>();
  for (let target = first; ; ) {
    const url = targetText(target);
    if (seen.has(url)) throw new DialFault('redirect', `The redirects lead in a circle: ${printable(url, 200)}`);
    seen.add(url);
    const { response, address } = await hop(config, target, call);
    if (!REDIRECTS.has(response.status) || response.location === undefined) {
      const { status, body, truncated } = response;
      return { status, body, truncated, url, address, redirected: seen.size > 1 };
    }
    if (seen.size > MAX_REDIRECTS) throw new DialFault('redirect', `There are more than ${MAX_REDIRECTS} redirects`);
    target = followLocation(target, response.location, config.redirectPorts);
    call.trail.redirects.push(printable(targetText(target), 200));
  }
}

interface Hop {
  readonly response: HttpResponse;
  readonly address: string;
}

async function hop(config: HttpConfig, target: HttpTarget, call: Call): Promise<Hop> {
  const connection = await openConnection(config, target.host, target.port, call);
  const { socket, address } = connection;
  const where = `${printable(targetText(target), 200)} at ${named(target.host, address)}`;
  try {
    const stream = target.scheme === 'https' ? await encrypt(connection, target, call.signal) : socket;
    return { response: await exchange(stream, request(target)), address };
  } catch (error) {
    const fault = faultFrom(error, 'connect', `Fetching ${where}`, call.signal);
    throw fault.kind === 'protocol' ? new DialFault('protocol', `Fetching ${where}: ${fault.message}`) : fault;
  } finally {
    socket.destroy();
  }
}

const request = (target: HttpTarget): string =>
  `GET ${target.path} HTTP/1.1\r\nHost: ${authority(target)}\r\n` +
  'User-Agent: Chancery\r\nAccept: */*\r\nConnection: close\r\n\r\n';

function exchange(stream: Duplex, message: string): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const reader = new ResponseReader(MAX_BODY);
    let settled = false; // so that the close of a finished exchange does not make an error for nothing
    const step = (read: () => HttpResponse | undefined) => {
      if (settled) return;
      try {
        const response = read();
        if (response === undefined) return;
        resolve(response);
      } catch (error) {
        reject(error);
      }
      settled = true;
    };
    stream.on('data', (chunk: Buffer) => step(() => reader.push(chunk)));
    stream.once('end', () => step(() => reader.end()));
    stream.once('error', reject);
    stream.once('close', () => step(() => reader.end()));
    stream.write(message, 'latin1');
  });
}

// An https hop proves nothing that http would not: whoever answers http may redirect to any certificate. So it is not
// verified, and a host whose certificate has run out can get a new one.
const context = createSecureContext({ minVersion: 'TLSv1.2' });

function encrypt({ socket, address }: Connection, target: HttpTarget, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const stream = startTls({
      socket,
      secureContext: context,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      ...(target.host.kind === 'name' && { servername: target.host.name }),
    });
    const fail = (error: unknown) => reject(faultFrom(error, 'tls', `TLS with ${named(target.host, address)}`, signal));
    stream.on('error', fail);
    stream.once('close', fail);
    stream.once('secureConnect', () => resolve(stream));
  });
}
