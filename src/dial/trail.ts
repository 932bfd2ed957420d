// What was asked and dialled on the way to an answer: kept as evidence, whether it ended well or not.

export interface LookupRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'TXT' | 'CAA';
  /** `address#port` of the resolver that answered last; absent where no resolver was needed. */
  readonly resolver?: string;
  readonly outcome: string;
  /** The first few answers, cut short. */
  readonly answers?: readonly string[];
  readonly aliases?: readonly string[];
  /** The resolver says that it checked DNSSEC (the AD bit). */
  readonly authentic?: true;
  readonly ms: number;
}

export interface DialRecord {
  readonly address: string;
  readonly port: number;
  readonly outcome: 'connected' | 'failed' | 'excluded';
  /** Waiting for a place within our own bounds included; absent where nothing was dialled. */
  readonly ms?: number;
}

/** Filled in order while a call goes on, so that a failed call leaves a record too. Bounded by the calls themselves. */
export interface Trail {
  readonly lookups: LookupRecord[];
  readonly dials: DialRecord[];
  readonly redirects: string[];
  /** Milliseconds, for measuring. */
  readonly now: () => number;
}

export const newTrail = (now: () => number): Trail => ({ lookups: [], dials: [], redirects: [], now });
