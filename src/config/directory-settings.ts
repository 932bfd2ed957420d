/** What a directory says about its limits and the extensions that it offers; see generation.ts for the rest of it. */

/** Orders that renew themselves (RFC 8739). */
export interface StarSettings {
  /** The least that the certificates of such an order may live. */
  readonly minLifetimeMs: number;
  /** The most from the order to its end. */
  readonly maxDurationMs: number;
  /** Whether an order may ask for its certificate to be public. */
  readonly certificateGet: boolean;
}

/** `count` in any `periodMs`, all at once if they like. */
export interface Rate {
  readonly count: number;
  readonly periodMs: number;
}

export interface RateLimits {
  readonly accountsPerAddress?: Rate;
  readonly ordersPerAccount?: Rate;
  readonly ordersPerSuffix?: Rate;
  /** How many labels of a name, from its end, make the suffix. */
  readonly suffixLabels: number;
  /** Renewals count here, and nowhere else. */
  readonly ordersPerNameSet?: Rate;
  readonly failuresPerName?: Rate;
  /** Failures in a row after which an account may not try a name any more. */
  readonly pauseAfter?: number;
}

export interface DirectoryLimits {
  readonly namesPerOrder: number;
  readonly contacts: number;
  readonly orderLifetimeMs: number;
  /** How long a pending authorization waits for its challenge. */
  readonly pendingAuthorizationLifetimeMs: number;
  /** How long a valid authorization may be used again. */
  readonly validAuthorizationLifetimeMs: number;
}
