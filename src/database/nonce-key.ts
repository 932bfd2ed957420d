/**
 * One nonce key. A nonce is key id (8) ‖ IV (12) ‖ encrypted number (12) ‖ tag (16), AES-256-GCM with the key id as
 * associated data. The number says which process made it (6) and counts (6), so that it is new without a look at
 * anything shared and the numbers of one process follow each other in an index; encrypted, it tells a client nothing.
 */

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';

const idOctets = 8;
const ivOctets = 12;
const numberOctets = 12;
const tagOctets = 16;
export const sealedOctets = idOctets + ivOctets + numberOctets + tagOctets;

const issuer = randomBytes(6);
let count = 0;

export class NonceKey {
  readonly id: Buffer;
  readonly secret: Buffer;
  /** When it was made, ms, by the clock of whoever keeps the keys. */
  readonly created: number;
  readonly #key: KeyObject;

  constructor(created: number, id: Buffer = randomBytes(idOctets), secret: Buffer = randomBytes(32)) {
    this.id = id;
    this.secret = secret;
    this.created = created;
    this.#key = createSecretKey(secret);
  }

  static idIn(sealed: Buffer): Buffer {
    return sealed.subarray(0, idOctets);
  }

  /** A nonce with a number that was never in one before. */
  seal(): Buffer {
    count += 1;
    const number = Buffer.alloc(numberOctets);
    issuer.copy(number);
    number.writeUIntBE(count, issuer.length, numberOctets - issuer.length);
    const iv = nextIv();
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(this.id);
    return Buffer.concat([this.id, iv, cipher.update(number), cipher.final(), cipher.getAuthTag()]);
  }

  /** The number in a nonce of ours, undefined for a forged one. */
  open(sealed: Buffer): Buffer | undefined {
    const iv = sealed.subarray(idOctets, idOctets + ivOctets);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, iv, { authTagLength: tagOctets }).setAAD(this.id);
    decipher.setAuthTag(sealed.subarray(-tagOctets));
    const number = decipher.update(sealed.subarray(idOctets + ivOctets, -tagOctets));
    try {
      decipher.final();
      return number;
    } catch {
      return undefined;
    }
  }
}

/** From a store of random octets: fetched one by one they would cost more than the encryption. */
function nextIv(): Buffer {
  if (store.length === 0) store = randomBytes(256 * ivOctets);
  const iv = store.subarray(0, ivOctets);
  store = store.subarray(ivOctets);
  return iv;
}
let store = Buffer.alloc(0);

/** Where a number counts to, within its process. */
export function countIn(number: Buffer): number {
  return number.readUIntBE(issuer.length, numberOctets - issuer.length);
}
