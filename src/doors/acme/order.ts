/** What an order is, and its state as a function of the facts (RFC 8555 §7.1.3, §7.1.6). */
import { type Authorization, authorizationStatus } from './authorization.ts';
import type { Identifier } from './identifier.ts';
import { type Problem, problemOf } from './problem.ts';
import type { Renews } from './renewal/replaces.ts';
import type { AutoRenewal } from './star/auto-renewal.ts';

export interface Order {
  readonly id: string;
  readonly profile: string;
  readonly identifiers: readonly Identifier[];
  readonly authorizations: readonly Authorization[];
  /** As asked for, ms UTC, whole seconds. */
  readonly notBefore: number | undefined;
  readonly notAfter: number | undefined;
  readonly expires: number;
  /** An intent to sign for this order is open. */
  readonly issuing: boolean;
  readonly certificate: { readonly issuerKey: string; readonly serial: string } | undefined;
  /** Absent unless the order is a renewal (RFC 9773 §5). */
  readonly renews?: Renews;
  /** Absent unless the order renews itself (RFC 8739); `certificate` is then the newest. */
  readonly autoRenewal?: AutoRenewal;
  /** When its account ended that, ms UTC. */
  readonly canceled?: number;
}

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid' | 'canceled';

/**
 * RFC 8555 §7.1.6. Computed, never stored: a stored status can disagree with the facts. `pending` becomes `ready` with the last
 * authorization, and `valid` is the certificate itself (I6), so there is no moment at which the two could differ.
 */
export function orderStatus(order: Order, now: number): OrderStatus {
  if (order.certificate !== undefined) return order.canceled === undefined ? 'valid' : 'canceled';
  if (order.issuing) return 'processing';
  if (order.expires <= now) return 'invalid';
  const statuses = order.authorizations.map((authorization) => authorizationStatus(authorization, now));
  if (statuses.some((status) => status !== 'pending' && status !== 'valid')) return 'invalid';
  return statuses.includes('pending') ? 'pending' : 'ready';
}

/** RFC 8555 §7.1.3, `error`: why an order is invalid. */
export function orderError(order: Order, now: number): Problem | undefined {
  if (orderStatus(order, now) !== 'invalid') return undefined;
  for (const authorization of order.authorizations) {
    const { attempt, identifier } = authorization;
    if (attempt?.state === 'invalid' && attempt.error !== undefined) {
      return { ...attempt.error, detail: `${identifier.value}: ${attempt.error.detail}` };
    }
  }
  return problemOf('malformed', 'The order expired, or an authorization of it did.');
}
