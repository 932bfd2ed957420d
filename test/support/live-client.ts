/** The test ACME client against running fronts: over TLS with the CA's own root, at whichever front it is told to ask. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { AcmeClient, type Answer, type KeyPair, newKey, type Transport } from './acme-client.ts';
import { buildCsr } from './csr.ts';
import type { World } from './world.ts';

/** `front`: which front the next request goes to; by default the first. URLs stay the world's external ones. */
export function transportTo(world: World, front: () => number = () => 0): Transport & Disposable {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(world.rootFile), servername: 'localhost' });
  const send: Transport = ({ method, url, headers = {}, body }) => new Promise<Answer>((resolve, reject) => {
    const { pathname, search, host } = new URL(url);
    const outgoing = request({
      agent, host: '127.0.0.1', port: world.ports[front()]?.acme, method, path: pathname + search, headers: { ...headers, Host: host }, timeout: 15_000,
    }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = /json/.test(incoming.headers['content-type'] ?? '');
        const flat = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
        resolve({ status: incoming.statusCode ?? 0, headers: flat, text, json: isJson && text !== '' ? JSON.parse(text) : {} });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 15 s')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  return Object.assign(send, { [Symbol.dispose]: () => agent.destroy() });
}

/** Sooner than the server asks for, so that tests are quick; seldom enough for hundreds of orders to wait at once. */
const COME_BACK_MS = 100;

/** Puts an http-01 proof in place. */
export interface Responder {
  set(token: string, keyAuthorization: string): void;
}

/**
 * A client that never gives up on what is the server's fault, as real ones do: it asks again after a lost connection, a 5xx or a
 * badNonce, and follows its order to the certificate. It gives up when an order becomes invalid, which no fault of the server may cause.
 */
export class PersistentClient {
  readonly client: AcmeClient;
  readonly #responder: Responder;

  constructor(transport: Transport, directoryUrl: string, responder: Responder, key: KeyPair = newKey()) {
    this.client = new AcmeClient(transport, directoryUrl, key);
    this.#responder = responder;
  }

  /** Resolves to the PEM chain. Rejects after `timeoutMs`, with the last thing that was heard. */
  async certificate(names: readonly string[], timeoutMs = 90_000): Promise<string> {
    const { client } = this;
    const end = Date.now() + timeoutMs;
    const key = newKey();
    const csr = buildCsr({ ...key, names: names.map((value) => ({ type: 'dns' as const, value })) }).toString('base64url');
    let order: string | undefined;
    let last = '';
    const heard = (answer: Answer): Answer => {
      last = `${answer.status} ${answer.text.slice(0, 3000)}`;
      if (answer.status >= 500 || answer.status === 429 || answer.json.type === 'urn:ietf:params:acme:error:badNonce') throw new Again(last);
      return answer;
    };
    while (Date.now() < end) {
      try {
        await client.open();
        if (client.account === undefined) heard(await client.newAccount({ termsOfServiceAgreed: true }));
        if (order === undefined) {
          const made = heard(await client.newOrder(names));
          if (made.status !== 201) throw new Error(`newOrder: ${last}`);
          order = made.headers['location'] as string;
        }
        const { json } = heard(await client.post(order));
        if (json.status === 'invalid') throw new Error(`the order became invalid: ${last}`);
        if (json.status === 'valid') return heard(await client.post(json.certificate)).text;
        if (json.status === 'ready') heard(await client.post(json.finalize, { csr }));
        else if (json.status !== 'pending' || !(await this.#answerAll(json.authorizations, heard))) await sleep(COME_BACK_MS);
      } catch (error) {
        if (!(error instanceof Again) && !isTransport(error)) throw error;
        last = (error as Error).message;
        await sleep(COME_BACK_MS);
      }
    }
    throw new Error(`no certificate for ${names.join()} within ${timeoutMs} ms; order ${order}; last: ${last}`);
  }

  /** True when there was a challenge to be answered; else all that is left is to wait. */
  async #answerAll(authorizations: readonly string[], heard: (answer: Answer) => Answer): Promise<boolean> {
    let answered = false;
    for (const url of authorizations) {
      const { json } = heard(await this.client.post(url));
      const challenge = json.challenges.find((offered: { type: string }) => offered.type === 'http-01');
      if (json.status !== 'pending' || challenge.status !== 'pending') continue;
      this.#responder.set(challenge.token, this.client.keyAuthorization(challenge.token));
      heard(await this.client.post(challenge.url, {}));
      answered = true;
    }
    return answered;
  }
}

class Again extends Error {}

const isTransport = (error: unknown): boolean =>
  ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes((error as NodeJS.ErrnoException).code ?? '') ||
  /socket|no answer|TLS/.test((error as Error).message);
