/** RFC 8555 §7.3.2, §7.3.6: an account changes its contacts, or deactivates itself; POST-as-GET reads it. */
import { type Account, parseContact } from './account.ts';
import type { AccountHandler } from './handler.ts';
import { AcmeError, malformed } from './problem.ts';
import { updateAccount as store } from './store.ts';
import { accountUrl, renderAccount } from './wire.ts';

export const updateAccount: AccountHandler<'nothing'> = async ({ database, clock }, { site, account, payload = {}, ids }) => {
  if (ids['account'] !== account.id) throw new AcmeError('unauthorized', 'This is not the account that signed the request.');
  const changed: Account = {
    ...account,
    ...('contact' in payload ? { contact: parseContact(payload['contact'], site.directory.limits.contacts) } : {}),
    ...('status' in payload ? { state: parseStatus(payload['status']) } : {}),
    ...(payload['termsOfServiceAgreed'] === true ? { terms: site.directory.termsOfService } : {}), // §7.3.3
  };
  if ('contact' in payload || 'status' in payload || changed.terms !== account.terms) {
    if (!(await store(database, account, changed, clock.now()))) throw new AcmeError('unauthorized', 'The account is deactivated.', { status: 401 });
  }
  return { status: 200, body: renderAccount(site, changed), headers: { Location: accountUrl(site, account.id) } };
};

function parseStatus(status: unknown): Account['state'] {
  if (status === 'valid' || status === 'deactivated') return status;
  throw malformed('The only status that an account can be given is "deactivated".');
}
