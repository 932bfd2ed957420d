/** Credentials for tests, and the inner JWS that a client makes of one, able to be wrong in every part. */
import { createHmac } from 'node:crypto';
import { createCredential, type NewCredential } from '../../src/doors/acme/binding/operate.ts';
import { type AcmeClient, jwkOf } from './acme-client.ts';
import type { DoorLab } from './acme-door.ts';

export interface Handed {
  readonly kid: string;
  readonly hmacKey: string;
}

/** A credential of the default directory. */
export async function handOut(lab: DoorLab, more: Partial<NewCredential> = {}): Promise<Handed> {
  const { credential, hmacKey } = await createCredential(lab.operator, {
    directory: 'default', description: 'test', restriction: undefined, uses: 1, expires: undefined, ...more,
  });
  return { kid: credential.id, hmacKey };
}

const HASH = new Map([['HS256', 'sha256'], ['HS384', 'sha384'], ['HS512', 'sha512']]);
const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export interface BindOptions {
  /** Merged over the protected header; undefined takes a member away. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly payload?: unknown;
  /** Signs with another key. */
  readonly hmacKey?: string;
}

/** RFC 8555 §7.3.4 */
export function bindingOf(client: AcmeClient, { kid, hmacKey }: Handed, options: BindOptions = {}) {
  const header = { alg: 'HS256', kid, url: client.directory.newAccount as string, ...options.header };
  const head = encode(header);
  const payload = encode(options.payload ?? jwkOf(client.key));
  const mac = createHmac(HASH.get(header.alg) ?? 'sha256', Buffer.from(options.hmacKey ?? hmacKey, 'base64url')).update(`${head}.${payload}`);
  return { protected: head, payload, signature: mac.digest('base64url') };
}
