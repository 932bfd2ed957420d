// A validator with real responders around it, all on loopback: what the tests of the three challenges stand on.
import { randomBytes } from 'node:crypto';
import { type DialerConfig, openDialer } from '../../src/dial/dialer.ts';
import { problemFrom } from '../../src/doors/acme/attempts/flight.ts';
import { openValidator, type ValidationInput, type ValidationResult, type Validator } from '../../src/validation/index.ts';
import { type DnsResponder, startDnsResponder } from '../support/dns-responder.ts';
import { type Http01Responder, startHttp01Responder } from '../support/http-01-responder.ts';
import { startTlsAlpn01Responder, type TlsAlpn01Responder } from '../support/tls-alpn-01-responder.ts';

export interface Lab extends AsyncDisposable {
  readonly dns: DnsResponder;
  readonly http: Http01Responder;
  readonly tls: TlsAlpn01Responder;
  readonly validator: Validator;
  /** A fresh token and key authorization for `name`, asked for at once unless `prepare` needs to know them first. */
  prove(type: ValidationInput['type'], name: string, prepare?: (challenge: Challenge) => void, more?: Partial<ValidationInput>): Promise<ValidationResult>;
}

export interface Challenge {
  readonly token: string;
  readonly keyAuthorization: string;
}

/** What the client would be told of a failed attempt, subproblems and all. */
export function told(result: ValidationResult): string {
  if (result.ok) throw new Error('it was proven');
  const { problem, detail, evidence } = result;
  return JSON.stringify(problemFrom([{ number: 1, problem, detail, evidence }], { type: 'dns', value: 'a.test' }));
}

export const newChallenge = (): Challenge => {
  const token = randomBytes(16).toString('base64url');
  return { token, keyAuthorization: `${token}.${randomBytes(32).toString('base64url')}` };
};

/** Short timeouts, so that what hangs does not hold up the suite. */
export async function openLab(more: Partial<DialerConfig & { totalTimeoutMs: number; host: string }> = {}): Promise<Lab> {
  const dns = await startDnsResponder();
  const http = await startHttp01Responder(more.host === undefined ? {} : { host: more.host });
  const tls = await startTlsAlpn01Responder();
  const dialer = openDialer({
    resolvers: [dns],
    zoneResolvers: new Map(),
    hosts: new Map(),
    allow: ['10.0.0.0/8', '192.168.0.0/16', 'fc00::/7'],
    deny: [],
    loopback: true,
    redirectPorts: [80, 443, http.port],
    connectTimeoutMs: 300,
    queryTimeoutMs: 100,
    lookupTimeoutMs: 500,
    ...more,
  });
  const validator = openValidator({
    dialer,
    clock: { now: () => Date.now() },
    http01Port: http.port,
    tlsAlpn01Port: tls.port,
    totalTimeoutMs: more.totalTimeoutMs ?? 1000,
  });
  return {
    dns, http, tls, validator,
    async prove(type, name, prepare, input = {}) {
      const challenge = newChallenge();
      prepare?.(challenge);
      return validator.validate({
        type,
        name: { type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name },
        wildcard: name.startsWith('*.'),
        ...challenge,
        accountUrls: ['https://ca.test/acme/account/1'],
        issuers: ['ca.test'],
        subdomains: false,
        caa: false,
        signal: new AbortController().signal,
        ...input,
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([dns.close(), http.close(), tls.close()]);
    },
  };
}
