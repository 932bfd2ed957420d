/** An issuer key with its certificates, as issuing, revocation and the status door use it. */
import type { Generation } from '../../config/generation.ts';
import type { IssuerShape } from '../../x509/shape.ts';

export interface IssuerKey {
  readonly id: string;
  readonly group: string;
  readonly state: 'active' | 'retired';
  readonly profiles: ReadonlySet<string>;
  readonly shape: IssuerShape;
  /** DER, this key's certificate first, then towards the root, the root left out. */
  readonly chain: readonly Uint8Array[];
  /** DER of the root that the chain leads to. */
  readonly root: Uint8Array;
}

/** One generation of the configuration with the certificates that it names, read and checked. Immutable; swapped whole. */
export interface Authority {
  readonly generation: Generation;
  readonly issuerKeys: ReadonlyMap<string, IssuerKey>;
  /** DER of the root above the server's own TLS certificate: the one that clients are to trust. */
  readonly root: Uint8Array;
}

/** The active issuer key of a group that may sign `profile`, if there is one. */
export function activeIssuerKey(authority: Authority, group: string, profile: string): IssuerKey | undefined {
  for (const key of authority.issuerKeys.values()) {
    if (key.group === group && key.state === 'active' && key.profiles.has(profile)) return key;
  }
  return undefined;
}
