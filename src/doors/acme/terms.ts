/** RFC 8555 §7.3, §7.3.3: the terms of service, and who has agreed to them. */
import type { Account } from './account.ts';
import { AcmeError } from './problem.ts';
import type { Site } from './site.ts';

/** §7.3.3: "… include a Link header field with link relation terms-of-service and the latest terms-of-service URL", and where people go. */
export const notAgreed = (terms: string, detail: string): AcmeError =>
  new AcmeError('userActionRequired', `${detail}: ${terms}`, { instance: terms, headers: { Link: `<${terms}>;rel="terms-of-service"` } });

/** Throws AcmeError where the directory asks for agreement to changed terms, and the account has agreed to others, or to none. */
export function requireAgreement({ directory: { termsOfService, agreeAgain } }: Site, { terms }: Account): void {
  if (!agreeAgain || termsOfService === undefined || terms === termsOfService) return;
  throw notAgreed(termsOfService, 'The terms of service have changed. Agree to them by an account update with "termsOfServiceAgreed": true');
}
