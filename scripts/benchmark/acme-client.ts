// An ACME client (RFC 8555) that does what certbot does, request by request, and nothing else: one account, one connection,
// http-01. Every flow is newOrder, authorization, challenge, authorization again, finalize, order again, certificate.
import { createHash, type KeyObject, sign, generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { requestFor } from './certificate-request.ts';
import { Connection, type Response } from './connection.ts';

/** The members of the directory that a flow needs. */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
}

interface Order {
  readonly status: string;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string;
}

interface Authorization {
  readonly status: string;
  readonly challenges: readonly { readonly type: string; readonly url: string; readonly token: string; readonly error?: unknown }[];
}

const PATIENCE_MS = 30_000; // for a server to validate, or to issue
const SETTLED = new Set(['valid', 'invalid', 'ready']);

const base64url = (value: string | Buffer): string => Buffer.from(value as string).toString('base64url');
const pathOf = (url: string): string => url.slice(url.indexOf('/', 'https://'.length));

/** What the http-01 responder must answer: token → key authorization. */
export type Proofs = Map<string, string>;

/** The steps of a flow, for which the time is taken; waiting is asking again until it is settled. */
export const STEPS = ['newOrder', 'authorization', 'challenge', 'wait for valid', 'finalize', 'wait for order', 'certificate'] as const;
export type Step = (typeof STEPS)[number];
/** Told when a step took so many ms. */
export type OnStep = (step: Step, ms: number) => void;

export class AcmeClient {
  readonly #connection: Connection;
  readonly #directory: Directory;
  readonly #proofs: Proofs;
  readonly #onStep: OnStep;
  readonly #key: KeyObject;
  readonly #subject = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #jwk: string;
  readonly #thumbprint: string;
  #account = '';
  #nonce: string | undefined;
  #url = '';

  constructor(context: SecureContext, directory: Directory, proofs: Proofs, onStep: OnStep) {
    this.#connection = new Connection(new URL(directory.newOrder), context);
    this.#directory = directory;
    this.#proofs = proofs;
    this.#onStep = onStep;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
    this.#key = privateKey;
    this.#jwk = JSON.stringify({ crv, kty, x, y }); // in the order of RFC 7638 §3
    this.#thumbprint = createHash('sha256').update(this.#jwk).digest('base64url');
  }

  async register(): Promise<void> {
    await this.#post(this.#directory.newAccount, { termsOfServiceAgreed: true });
    this.#account = this.#url;
  }

  /** One complete issuance for these names; resolves to the PEM chain. */
  async issue(names: readonly string[]): Promise<string> {
    const order = await this.#timed('newOrder', this.#post<Order>(this.#directory.newOrder, { identifiers: names.map((value) => ({ type: 'dns', value })) }));
    const orderUrl = this.#url;
    for (const url of order.authorizations) await this.#prove(url);
    const csr = base64url(requestFor(names, this.#subject));
    await this.#timed('finalize', this.#post(order.finalize, { csr }));
    const { status, certificate } = await this.#timed('wait for order', this.#settled<Order>(orderUrl, (each) => each.status === 'valid' || each.status === 'invalid'));
    if (certificate === undefined) throw new Error(`the order of ${names[0]} became ${status}`);
    return (await this.#timed('certificate', this.#send(certificate, ''))).body.toString();
  }

  close(): void {
    this.#connection.close();
  }

  async #timed<T>(step: Step, work: Promise<T>): Promise<T> {
    const begun = performance.now();
    const result = await work;
    this.#onStep(step, performance.now() - begun);
    return result;
  }

  async #prove(url: string): Promise<void> {
    const authorization = await this.#timed('authorization', this.#post<Authorization>(url));
    if (authorization.status === 'valid') return;
    const challenge = authorization.challenges.find(({ type }) => type === 'http-01');
    if (challenge === undefined) throw new Error('the server offers no http-01');
    this.#proofs.set(challenge.token, `${challenge.token}.${this.#thumbprint}`);
    try {
      await this.#timed('challenge', this.#post(challenge.url, {}));
      const after = await this.#timed('wait for valid', this.#settled<Authorization>(url, ({ status }) => SETTLED.has(status)));
      if (after.status !== 'valid') throw new Error(`the authorization became ${after.status}: ${JSON.stringify(after.challenges.map(({ error }) => error))}`);
    } finally {
      this.#proofs.delete(challenge.token);
    }
  }

  /** Asks until it is settled; seldom more than once, so that waiting is no load. */
  async #settled<T>(url: string, isSettled: (answer: T) => boolean): Promise<T> {
    const end = performance.now() + PATIENCE_MS;
    for (let wait = 10; ; wait = Math.min(wait * 2, 200)) {
      const answer = await this.#post<T>(url);
      if (isSettled(answer)) return answer;
      if (performance.now() > end) throw new Error(`${url} did not settle`);
      await sleep(wait);
    }
  }

  async #post<T>(url: string, payload?: unknown): Promise<T> {
    const { headers, body } = await this.#send(url, payload === undefined ? '' : JSON.stringify(payload));
    this.#url = headers['location'] ?? '';
    return JSON.parse(body.toString()) as T;
  }

  async #send(url: string, payload: string): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      this.#nonce ??= (await this.#connection.request('HEAD', pathOf(this.#directory.newNonce))).headers['replay-nonce'];
      const signer = this.#account === '' ? `"jwk":${this.#jwk}` : `"kid":"${this.#account}"`;
      const header = base64url(`{"alg":"ES256",${signer},"nonce":"${this.#nonce}","url":"${url}"}`);
      const content = base64url(payload);
      const signature = sign('sha256', Buffer.from(`${header}.${content}`), { key: this.#key, dsaEncoding: 'ieee-p1363' });
      const response = await this.#connection.request('POST', pathOf(url),
        `{"protected":"${header}","payload":"${content}","signature":"${base64url(signature)}"}`);
      this.#nonce = response.headers['replay-nonce'];
      if (response.status < 400) return response;
      const problem = response.body.toString();
      if (attempt < 3 && problem.includes('badNonce')) continue; // RFC 8555 §6.5
      throw new Error(`${response.status} from ${url}: ${problem.slice(0, 300)}`);
    }
  }
}
