/** A public key as PKCS#11 objects store it, so that a key is found by what it is and not by what it is called. */
import { createPublicKey } from 'node:crypto';
import type { ITemplate } from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { KeyFault } from './errors.ts';

/** PKCS#11 v3.1 §6.3: CKK_EC_EDWARDS. */
export const CKK_EC_EDWARDS = 0x40;

/**
 * @param spki DER SubjectPublicKeyInfo
 * @returns templates of the public key object, the usual form first: CKA_EC_POINT is a DER OCTET STRING, but some
 *   modules store the bare point
 */
export function publicTemplates(spki: Uint8Array): readonly ITemplate[] {
  const jwk = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  const part = (name: 'n' | 'e' | 'x' | 'y') => Buffer.from(jwk[name] ?? '', 'base64url');
  const common = { class: pkcs11js.CKO_PUBLIC_KEY };
  switch (jwk.kty) {
    case 'RSA':
      return [{ ...common, keyType: pkcs11js.CKK_RSA, modulus: part('n'), publicExponent: part('e') }];
    case 'EC':
      return points(Buffer.concat([Buffer.of(4), part('x'), part('y')]), { ...common, keyType: pkcs11js.CKK_EC });
    case 'OKP':
      return points(part('x'), { ...common, keyType: CKK_EC_EDWARDS });
    default:
      throw new KeyFault(`a key of type ${jwk.kty} cannot sign here`, 'never');
  }
}

function points(point: Buffer, common: ITemplate): readonly ITemplate[] {
  const wrapped = Buffer.concat([Buffer.of(0x04, point.length), point]);
  return [wrapped, point].map((pointEC) => ({ ...common, pointEC }));
}
