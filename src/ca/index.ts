/** The counter: all that a door may import from ca/. */
export { Refusal, type RefusalKind } from './errors.ts';
export type { Ca, IssuanceOutcome, IssuanceRequest, IssuedCertificate, Progress, Requester } from './ca.ts';
