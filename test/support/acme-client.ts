/**
 * An ACME client for tests: small, and able to get every single thing wrong on purpose. Strangers' clients have the last word
 * (test/interop); this one asks the questions that they never ask.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Name } from '../../src/x509/name.ts';
import { buildCsr } from './csr.ts';

export type KeyType = 'ES256' | 'ES384' | 'ES512' | 'RS256' | 'EdDSA';

export interface Answer {
  readonly status: number;
  /** Names in lower case; `link` and others that came several times joined by ", ". */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** Parsed when the content is JSON, else an empty object. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever it expects
  readonly json: any;
}

/** Sends one request; `url` is what the server calls itself, wherever it may listen. */
export type Transport = (request: {
  readonly method: string; readonly url: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer;
}) => Promise<Answer>;

export interface KeyPair {
  readonly type: KeyType;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const GENERATE: Record<KeyType, () => { privateKey: KeyObject; publicKey: KeyObject }> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

export const newKey = (type: KeyType = 'ES256'): KeyPair => ({ type, ...GENERATE[type]() });

export const jwkOf = ({ publicKey }: KeyPair): Record<string, string> => publicKey.export({ format: 'jwk' }) as Record<string, string>;

/** RFC 7638. */
export function thumbprintOf(key: KeyPair): string {
  const jwk = jwkOf(key);
  const members = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((name) => jwk[name] !== undefined);
  const text = `{${members.map((name) => `"${name}":"${jwk[name]}"`).join(',')}}`;
  return createHash('sha256').update(text).digest('base64url');
}

const HASH: Record<KeyType, string | null> = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', RS256: 'sha256', EdDSA: null };

export const signBytes = ({ type, privateKey }: KeyPair, bytes: string): Buffer =>
  sign(HASH[type], Buffer.from(bytes), type.startsWith('ES') ? { key: privateKey, dsaEncoding: 'ieee-p1363' } : privateKey);

const encode = (value: string | object): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export interface Jws { protected: string; payload: string; signature: string }

/** A flattened JWS over exactly these header and payload; strings are taken as they are. */
export function signJws(key: KeyPair, header: string | object, payload: string | object): Jws {
  const head = encode(header);
  const body = payload === '' ? '' : encode(payload);
  return { protected: head, payload: body, signature: signBytes(key, `${head}.${body}`).toString('base64url') };
}

export interface PostOptions {
  /** Signs with `jwk` in place of `kid`. */
  readonly byKey?: boolean;
  /** Merged over the protected header; undefined takes a member away. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Changes the finished JWS before it is sent. */
  readonly tamper?: (jws: Jws) => unknown;
  readonly contentType?: string;
}

export interface OrderBody {
  readonly status: string; readonly expires: string; readonly identifiers: readonly { type: string; value: string }[];
  readonly authorizations: readonly string[]; readonly finalize: string; readonly certificate?: string;
  readonly error?: { type: string; detail: string };
}

/** Puts a proof in place for one challenge. */
export type Prove = (challenge: { type: string; token: string; keyAuthorization: string; identifier: Name; wildcard: boolean }) => Promise<void> | void;

export class AcmeClient {
  readonly #send: Transport;
  readonly directoryUrl: string;
  readonly key: KeyPair;
  account: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: see Answer.json
  directory: any;
  #nonces: string[] = [];

  constructor(send: Transport, directoryUrl: string, key: KeyPair = newKey()) {
    this.#send = send;
    this.directoryUrl = directoryUrl;
    this.key = key;
  }

  /** A client with an account. */
  static async registered(send: Transport, directoryUrl: string, key: KeyPair = newKey()): Promise<AcmeClient> {
    const client = new AcmeClient(send, directoryUrl, key);
    const answer = await client.newAccount({ termsOfServiceAgreed: true });
    if (answer.status !== 201 && answer.status !== 200) throw new Error(`newAccount: ${answer.status} ${answer.text}`);
    return client;
  }

  async open(): Promise<this> {
    if (this.directory === undefined) {
      const answer = await this.#send({ method: 'GET', url: this.directoryUrl });
      if (answer.status !== 200) throw new Error(`no answer with a directory: ${answer.status} ${answer.text}`);
      this.directory = answer.json;
    }
    return this;
  }

  /** For tests that move the clock: nonces do not last for days. */
  forgetNonces(): void {
    this.#nonces = [];
  }

  async nonce(): Promise<string> {
    await this.open();
    const kept = this.#nonces.pop();
    if (kept !== undefined) return kept;
    const answer = await this.#send({ method: 'HEAD', url: this.directory.newNonce });
    const nonce = answer.headers['replay-nonce'];
    if (nonce === undefined) throw new Error(`no answer with a nonce: ${answer.status} ${answer.text}`);
    return nonce;
  }

  /** The JWS that `post` would send. `''` as payload is POST-as-GET. */
  async prepare(url: string, payload: '' | object, options: PostOptions = {}): Promise<Jws> {
    const who = options.byKey === true ? { jwk: jwkOf(this.key) } : { kid: this.account };
    const header = { alg: this.key.type, nonce: await this.nonce(), url, ...who, ...options.header };
    return signJws(this.key, header, payload);
  }

  async post(url: string, payload: '' | object = '', options: PostOptions = {}): Promise<Answer> {
    const jws = await this.prepare(url, payload, options);
    return this.postRaw(url, options.tamper === undefined ? jws : options.tamper(jws), options.contentType);
  }

  /** Sends `body` as it is (a string), or as JSON. */
  async postRaw(url: string, body: unknown, contentType = 'application/jose+json'): Promise<Answer> {
    const answer = await this.#send({
      method: 'POST', url, headers: { 'Content-Type': contentType },
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    });
    const nonce = answer.headers['replay-nonce'];
    if (nonce !== undefined) this.#nonces.push(nonce);
    return answer;
  }

  get(url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send({ method, url, headers });
  }

  async newAccount(payload: object = {}): Promise<Answer> {
    await this.open();
    const answer = await this.post(this.directory.newAccount, payload, { byKey: true });
    if (answer.status === 201 || answer.status === 200) this.account = answer.headers['location'];
    return answer;
  }

  async newOrder(identifiers: readonly (string | Name)[], more: object = {}): Promise<Answer> {
    await this.open();
    return this.post(this.directory.newOrder, { identifiers: identifiers.map(nameOf), ...more });
  }

  keyAuthorization(token: string): string {
    return `${token}.${thumbprintOf(this.key)}`;
  }

  /** Answers the challenge of that type in each authorization of an order, and waits until all are decided. */
  async authorize(order: OrderBody, type: string, prove: Prove): Promise<void> {
    for (const url of order.authorizations) {
      const { json: authorization } = await this.post(url);
      if (authorization.status === 'valid') continue;
      const challenge = authorization.challenges.find((offered: { type: string }) => offered.type === type);
      if (challenge === undefined) throw new Error(`no ${type} in ${JSON.stringify(authorization)}`);
      const { token } = challenge;
      await prove({
        type, token, keyAuthorization: this.keyAuthorization(token), identifier: authorization.identifier,
        wildcard: authorization.wildcard === true,
      });
      let answer = await this.post(challenge.url, {});
      for (let polls = 0; answer.json.status === 'processing' && polls < 100; polls++) {
        await sleep(100);
        answer = await this.post(challenge.url);
      }
      if (answer.json.status !== 'valid') throw new Error(`challenge: ${answer.text}`);
    }
  }

  /** The whole flow; resolves to the PEM chain, the order's URL and the certificate's key. */
  async issue(names: readonly (string | Name)[], prove: Prove, options: { type?: string; key?: KeyPair; order?: object } = {}) {
    const { type = 'http-01', key = newKey() } = options;
    const ordered = await this.newOrder(names, options.order);
    if (ordered.status !== 201) throw new Error(`newOrder: ${ordered.status} ${ordered.text}`);
    await this.authorize(ordered.json as OrderBody, type, prove);
    const orderUrl = ordered.headers['location'] as string;
    const csr = buildCsr({ ...key, names: names.map(nameOf) });
    let answer = await this.post(ordered.json.finalize, { csr: csr.toString('base64url') });
    for (let polls = 0; answer.json.status === 'processing' && polls < 100; polls++) {
      await sleep(100);
      answer = await this.post(orderUrl);
    }
    if (answer.json.status !== 'valid') throw new Error(`finalize: ${answer.status} ${answer.text}`);
    const { text: pem } = await this.post(answer.json.certificate);
    return { pem, orderUrl, order: answer.json as OrderBody, key };
  }
}

export const nameOf = (name: string | Name): Name =>
  typeof name !== 'string' ? name : { type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name };
