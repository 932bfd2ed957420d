/** Why a certificate is revoked (RFC 5280 §5.3.1), and who may say so. */
import { REASONS } from '../../x509/crl.ts';

/** By the names of RFC 5280. removeFromCRL (8) is for delta CRLs; 2, 7 and 10 are for certificates that we do not make. */
export const REASON_CODE = { unspecified: 0, ...REASONS, certificateHold: 6 } as const;

export type RevocationReason = keyof typeof REASON_CODE;

const BY_CODE = new Map(Object.entries(REASON_CODE).map(([name, code]) => [code, name as RevocationReason]));

/** The reason with this code; undefined for a code that nothing here is revoked with. */
export const reasonOf = (code: number): RevocationReason | undefined => BY_CODE.get(code as (typeof REASON_CODE)[RevocationReason]);

/**
 * What lets the caller revoke. `subscriber`: the certificate was issued to it; `key`: it signed the request with the certificate's key;
 * `names`: it controls all names in the certificate; `operator`: it runs this CA.
 */
export type RevocationAuthority = 'subscriber' | 'key' | 'names' | 'operator';

const SUBSCRIBERS = ['unspecified', 'keyCompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation'] as const;

/**
 * BR §4.9.1.1 leaves privilegeWithdrawn to the CA. Who merely controls the names has not shown the key, so it cannot have the key blocked,
 * and with it other people's certificates revoked.
 */
const ALLOWED: Readonly<Record<RevocationAuthority, readonly RevocationReason[]>> = {
  subscriber: SUBSCRIBERS,
  key: SUBSCRIBERS,
  names: ['unspecified', 'affiliationChanged', 'superseded', 'cessationOfOperation'],
  operator: [...SUBSCRIBERS, 'privilegeWithdrawn', 'certificateHold'],
};

/**
 * On whose word a key is blocked for everybody, and revoked with it what others have for it. Not on the subscriber's: a CSR is no secret,
 * and whoever controls its names gets a certificate for the key in it without having that key.
 */
export const mayBlock = (authority: RevocationAuthority): boolean => authority === 'key' || authority === 'operator';

export const mayUse = (authority: RevocationAuthority, reason: RevocationReason | undefined): boolean =>
  reason !== undefined && ALLOWED[authority].includes(reason);
