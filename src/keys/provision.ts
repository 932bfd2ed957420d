/** Making tokens and keys, for ceremonies. Nothing here is used by the running server. */
import { createPublicKey } from 'node:crypto';
import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { asKeyFault, KeyFault } from './errors.ts';
import { SESSION } from './lane.ts';
import type { KeyModule } from './module.ts';
import { CKK_EC_EDWARDS } from './public-value.ts';

/** What a key can be, with what C_GenerateKeyPair wants for it. */
const KEY_KINDS = {
  'p-256': ec('06082a8648ce3d030107', 'P-256'),
  'p-384': ec('06052b81040022', 'P-384'),
  'rsa-2048': rsa(2048),
  'rsa-3072': rsa(3072),
  'rsa-4096': rsa(4096),
  // SoftHSM wants the curve's name as a PrintableString, not its OID. CKM_EC_EDWARDS_KEY_PAIR_GEN is of version 3.
  ed25519: {
    mechanism: 0x1055,
    public: { keyType: CKK_EC_EDWARDS, paramsEC: Buffer.from('130c656477617264733235353139', 'hex') },
    jwk: (key: graphene.SessionObject) => ({ kty: 'OKP', crv: 'Ed25519', x: point(key).toString('base64url') }),
  },
} as const;
export type KeyKind = keyof typeof KEY_KINDS;

function ec(oid: string, crv: 'P-256' | 'P-384') {
  return {
    mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN,
    public: { keyType: pkcs11js.CKK_EC, paramsEC: Buffer.from(oid, 'hex') },
    jwk: (key: graphene.SessionObject) => {
      const half = (point(key).length - 1) / 2;
      const [x, y] = [point(key).subarray(1, 1 + half), point(key).subarray(1 + half)];
      return { kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') };
    },
  };
}

function rsa(modulusBits: number) {
  return {
    mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN,
    public: { keyType: pkcs11js.CKK_RSA, modulusBits, publicExponent: Buffer.of(1, 0, 1) },
    jwk: (key: graphene.SessionObject) => ({
      kty: 'RSA',
      n: (key.get('modulus') as Buffer).toString('base64url'),
      e: (key.get('publicExponent') as Buffer).toString('base64url'),
    }),
  };
}

/** CKA_EC_POINT without its OCTET STRING; all our points are shorter than 128 bytes. */
const point = (key: graphene.SessionObject) => (key.get('pointEC') as Buffer).subarray(2);

/** A token opened for making keys. Close it: nothing stays logged in. */
export class Workbench implements Disposable {
  readonly #session: graphene.Session;

  /** @throws KeyFault when there is no such token, or it refuses the PIN */
  constructor(module: KeyModule, tokenLabel: string, pin: string) {
    const slot = slots(module).find((candidate) => candidate.getToken().label === tokenLabel);
    if (slot === undefined) throw new KeyFault(`there is no token ${tokenLabel}`, 'initialise');
    try {
      this.#session = slot.open(SESSION);
      this.#session.login(pin);
    } catch (error) {
      throw asKeyFault(error, `opening token ${tokenLabel}`);
    }
  }

  /**
   * The SPKI of the key pair under this label; undefined when there is none. A public half alone, as a generation leaves it that
   * was killed half-way, is no key and is removed. @throws KeyFault when there are several
   */
  publicKey(label: string, kind: KeyKind): Uint8Array | undefined {
    const found = this.#session.find({ class: pkcs11js.CKO_PUBLIC_KEY, label });
    if (found.length > 1) throw new KeyFault(`there are ${found.length} keys labelled ${label}`, 'never');
    if (found.length === 0) return undefined;
    const half = found.items(0).toType<graphene.PublicKey>();
    if (this.#session.find({ class: pkcs11js.CKO_PRIVATE_KEY, id: half.get('id') as Buffer }).length > 0) return spkiOf(half, kind);
    this.#session.destroy(half);
    return undefined;
  }

  /**
   * A key pair that cannot leave the token. No module minds a second key of the same name, so we do.
   * @param loose attributes that break the rules, for tests of what refuses such keys
   * @returns its DER SubjectPublicKeyInfo
   */
  generate(label: string, id: Buffer, kind: KeyKind, loose: graphene.ITemplate = {}): Uint8Array {
    const row = KEY_KINDS[kind];
    const same = this.#session.find({ class: pkcs11js.CKO_PRIVATE_KEY, id }).length;
    if (same > 0 && loose.id === undefined)
      throw new KeyFault(`there is a key with the id ${id.toString('hex')}`, 'never');
    try {
      const pair = this.#session.generateKeyPair(
        row.mechanism,
        { ...row.public, token: true, verify: true, label, id },
        {
          keyType: row.public.keyType,
          token: true,
          private: true,
          sensitive: true,
          extractable: false,
          sign: true,
          label,
          id,
          ...loose,
        },
      );
      return spkiOf(pair.publicKey, kind);
    } catch (error) {
      throw asKeyFault(error, `making the key ${label}`);
    }
  }

  [Symbol.dispose](): void {
    this.#session.logout();
    this.#session.close();
  }
}

function spkiOf(key: graphene.SessionObject, kind: KeyKind): Uint8Array {
  const jwk = KEY_KINDS[kind].jwk(key);
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' });
}

/**
 * A new token under this label, or the one that is there; one that was left without its user PIN is finished. SoftHSM shows
 * one free slot at each C_Initialize, and knows a new token by its final slot only after another.
 * @returns true when this call made or finished it @throws KeyFault
 */
export function makeToken(module: KeyModule, label: string, officerPin: string, userPin: string): boolean {
  try {
    let slot = slots(module).find((candidate) => candidate.getToken().label === label);
    if (slot !== undefined && has(slot, graphene.TokenFlag.USER_PIN_INITIALIZED)) return false;
    if (slot === undefined) {
      slot = slots(module).find((candidate) => !has(candidate, graphene.TokenFlag.TOKEN_INITIALIZED));
      if (slot === undefined) throw new KeyFault(`${module.path} has no free slot for the token ${label}`, 'never');
      // Not graphene's initToken: it trips over what pkcs11js returns.
      module.native.C_InitToken(slot.handle, officerPin, label);
    }
    const session = slot.open(SESSION);
    session.login(officerPin, graphene.UserType.SO);
    session.initPin(userPin);
    session.logout();
    session.close();
    return true;
  } catch (error) {
    throw asKeyFault(error, `making the token ${label}`);
  }
}

const has = (slot: graphene.Slot, flag: graphene.TokenFlag) => (slot.getToken().flags & flag) !== 0;

function slots(module: KeyModule): readonly graphene.Slot[] {
  const list = module.graphene.getSlots(true);
  return Array.from({ length: list.length }, (_, index) => list.items(index));
}
