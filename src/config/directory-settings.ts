/** What a directory says about the extensions that it offers; see generation.ts for the rest of it. */

/** Orders that renew themselves (RFC 8739). */
export interface StarSettings {
  /** The least that the certificates of such an order may live. */
  readonly minLifetimeMs: number;
  /** The most from the order to its end. */
  readonly maxDurationMs: number;
  /** Whether an order may ask for its certificate to be public. */
  readonly certificateGet: boolean;
}
