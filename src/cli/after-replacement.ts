/**
 * The set of certificates that `chancery revoke --after-replacement` is about: those that were there when their renewal windows were pulled
 * forward. What replaces them was issued later, fits the same selection, and must not be revoked in its turn.
 */
import { ask } from './admin-socket.ts';

export interface Replacing {
  /** ms UTC; issued before it. */
  readonly issuedTo: number;
  /** A run that was stopped goes on. */
  readonly resumed: boolean;
}

/** @param selection profile and times of issuance, as `chancery renewals pull` takes them @param how with `dryRun`, what it would be; `release`: it has ended */
export async function pullForRevocation(selection: object, how: { readonly dryRun?: boolean; readonly release?: boolean } = {}): Promise<Replacing> {
  const { pulls: [row], resumed } = (await ask('POST', '/renewals/pull', { ...selection, ...how, revocation: true })) as { pulls: [{ issuedTo: string }]; resumed: boolean };
  return { issuedTo: Date.parse(row.issuedTo), resumed };
}
