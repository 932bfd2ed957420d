/**
 * DNS, http-01 and tls-alpn-01 responders under one control API over HTTP, so that clients and hooks of any language can put proofs in
 * place and have each responder misbehave. The paths that pebble-challtestsrv has mean the same here; `/misbehave-…` and `/seen-…` are ours.
 * Runs by itself too: scripts/node test/support/challenge-responders.ts [CONTROL-PORT]
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DnsFault, type DnsResponder, type RecordType, type RecordValue, startDnsResponder } from './dns-responder.ts';
import { type Http01Behaviour, type Http01Responder, startHttp01Responder } from './http-01-responder.ts';
import { startTlsAlpn01Responder, type TlsAlpn01Responder, type TlsAlpn01Violation } from './tls-alpn-01-responder.ts';

export interface ChallengeResponders extends AsyncDisposable {
  readonly dns: DnsResponder;
  readonly http: Http01Responder;
  readonly tls: TlsAlpn01Responder;
  /** Of the control API; all bodies are JSON, all requests POST. */
  readonly control: string;
}

interface Body {
  readonly host: string; readonly ip: string; readonly addresses: readonly string[]; readonly value: string; readonly target: string;
  readonly policies: readonly { tag: string; value: string; flags?: number }[]; readonly token: string; readonly content: string;
  readonly fault?: DnsFault; readonly behaviour?: Http01Behaviour; readonly violation?: TlsAlpn01Violation;
}

export async function startChallengeResponders(controlPort = 0): Promise<ChallengeResponders> {
  const [dns, http, tls] = await Promise.all([startDnsResponder(), startHttp01Responder(), startTlsAlpn01Responder()]);
  const texts = new Map<string, string[]>();
  const nameOf = ({ host }: Body): string => host.replace(/\.$/, '');
  const record = (type: RecordType, valuesOf: (body: Body) => readonly RecordValue[]) => (body: Body) => dns.set(nameOf(body), type, ...valuesOf(body));
  const clear = (type: RecordType) => (body: Body) => dns.set(nameOf(body), type);

  const actions: Readonly<Record<string, (body: Body) => unknown>> = {
    '/set-default-ipv4': ({ ip }) => dns.set('*', 'A', ...(ip === '' ? [] : [ip])),
    '/set-default-ipv6': ({ ip }) => dns.set('*', 'AAAA', ...(ip === '' ? [] : [ip])),
    '/add-a': record('A', ({ addresses }) => addresses),
    '/clear-a': clear('A'),
    '/add-aaaa': record('AAAA', ({ addresses }) => addresses),
    '/clear-aaaa': clear('AAAA'),
    '/add-caa': record('CAA', ({ policies }) => policies.map(({ tag, value, flags = 0 }) => ({ tag, value, flags }))),
    '/clear-caa': clear('CAA'),
    '/set-cname': record('CNAME', ({ target }) => [target.replace(/\.$/, '')]),
    '/clear-cname': clear('CNAME'),
    '/set-txt'(body) {
      const name = nameOf(body);
      const values = [...(texts.get(name) ?? []), body.value];
      texts.set(name, values);
      dns.set(name, 'TXT', ...values);
    },
    '/clear-txt'(body) {
      texts.delete(nameOf(body));
      dns.set(nameOf(body), 'TXT');
    },
    '/set-servfail': (body) => dns.fail(nameOf(body), 'servfail'),
    '/clear-servfail': (body) => dns.fail(nameOf(body), undefined),
    '/add-http01': ({ token, content }) => http.set(token, content),
    '/del-http01': ({ token }) => http.remove(token),
    '/add-tlsalpn01': ({ host, content, violation }) => tls.set(host, content, violation),
    '/del-tlsalpn01': ({ host }) => tls.remove(host),
    '/misbehave-dns': (body) => dns.fail(nameOf(body), body.fault),
    '/misbehave-http01': ({ token, behaviour }) => http.behave(token, behaviour),
    '/misbehave-tlsalpn01': ({ violation }) => tls.behave(violation),
    '/seen-dns': () => dns.questions,
    '/seen-http01': () => http.requests,
    '/seen-tlsalpn01': () => tls.hellos,
    '/where': () => ({ dns: dns.port, http01: http.port, tlsAlpn01: tls.port }),
  };

  const server = createServer((request, response) => {
    const action = actions[request.url ?? ''];
    void (async () => {
      if (action === undefined || request.method !== 'POST') return response.writeHead(404).end();
      try {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(action(await bodyOf(request)) ?? {}));
      } catch (error) {
        response.writeHead(400).end((error as Error).message);
      }
      return undefined;
    })();
  });
  server.listen(controlPort, '127.0.0.1');
  await once(server, 'listening');
  return {
    dns, http, tls, control: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await Promise.all([dns.close(), http.close(), tls.close()]);
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Body;
}

if (import.meta.main) {
  const { control, dns, http, tls } = await startChallengeResponders(Number(process.argv[2] ?? 0));
  console.log(`control ${control}, DNS ${dns.port}, http-01 ${http.port}, tls-alpn-01 ${tls.port}`);
}
