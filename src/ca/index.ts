/** The counter: all that a door may import from ca/. */
export { Refusal, type RefusalKind } from './errors.ts';
export { auditEntry } from './audit/entry.ts';
export { mayUse, reasonOf, type RevocationAuthority, type RevocationReason } from './revocation/reason.ts';
export type {
  Ca, CertificateStatus, DoorEvidence, IssuanceOutcome, IssuanceRequest, IssuedCertificate, IssuerFreshness, OcspReply, Progress, Requester, Restriction,
  RevocationOutcome, RevocationRequest,
  UnholdOutcome, UnholdRequest,
} from './ca.ts';
