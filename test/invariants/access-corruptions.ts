/** Ways to have an account, or a certificate, that nobody gave leave for; see corruptions.ts. */
import type { Corruption } from './corruptions.ts';

const USED = 'used > 0 order by id limit 1';
const set = (table: 'acme_eab' | 'acme_account', column: string, value: unknown) => (copy: Parameters<Corruption['make']>[0]): void => {
  const { eab } = copy.row('select eab from acme_account where eab is not null');
  copy.run(`update ${table} set ${column} = ? where ${table === 'acme_eab' ? 'id' : 'eab'} = ?`, value, eab);
};

export const ACCESS: readonly Corruption[] = [
  { what: 'a credential was made behind the back of the log', found: /^I5: credential .* has no audit entry/, make: (copy) => copy.removeEntry("type = 'credential.created'") },
  ...([['directory', 'other'], ['uses', 9], ['expires', 9], ['profiles', ['peer']], ['names', null]] as const).map(([what, value]): Corruption => ({
    what: `the log says another ${what} of a credential`, found: new RegExp(`^I5: the audit entry of credential .* says another ${what}`),
    make: (copy) => copy.replaceEntry("type = 'credential.created'", (said) => { said[what] = value; }),
  })),
  { what: 'a use of a credential is not in the log', found: /^I5: credential .* was used another number of times than the log says/, make: (copy) => copy.removeEntry("type = 'credential.used'") },
  { what: 'an account is not in the log', found: /^I5: account .* was made by a credential, and the log does not say so/, make: (copy) => copy.removeEntry("type = 'credential.used'") },
  { what: 'an account was made and no use counted', found: /^I9: credential .* was used another number of times than there are accounts of it/, make: set('acme_eab', 'used', 0) },
  { what: 'a credential was used too often', found: /^I9: credential .* was used more often than it may/, make: set('acme_eab', 'uses', 0) },
  { what: 'a credential is lost', found: /^I9: account .* was made by a credential that is not there/, make: (copy) => copy.run(`delete from acme_eab where id = (select id from acme_eab where ${USED})`) },
  { what: 'a credential makes accounts elsewhere', found: /^I9: account .* was made by a credential of another directory/, make: set('acme_account', 'directory', 'staging') },
  { what: 'an account has wider bounds than it was given', found: /^I9: account .* has other bounds than its credential/, make: set('acme_account', 'restriction', null) },
  { what: 'a certificate was decided without the bounds of its account', found: /^I3: certificate .* was decided under other bounds than its account has/, make: set('acme_account', 'restriction', null) },
  { what: 'a certificate is for a name that its account may not have', found: /^I3: certificate .* is not allowed: .* is not among the names of external account binding/,
    make: (copy) => copy.replaceEvidence(
      copy.row('select evidence_digest from certificate where requester_id in (select id from acme_account where eab is not null)')['evidence_digest'],
      (document) => { document['requester'].restriction.names.suffixes = ['elsewhere.localhost']; },
    ) },
  { what: 'a credential is revoked, and its account is good', found: /^I9: account .* is good, and its credential is revoked/, make: set('acme_eab', 'revoked', 1) },
  { what: 'a credential is revoked behind the back of the log', found: /^I5: credential .* was revoked without an audit entry/, make: set('acme_eab', 'revoked', 1) },
  { what: 'an account is revoked behind the back of the log', found: /^I5: account .* was revoked without an audit entry/, make: set('acme_account', 'revoked', 1) },
  { what: 'an account is paused behind the back of the log', found: /^I5: account .* was paused without an audit entry/, make: set('acme_account', 'paused', 1) },
  { what: 'an account is paused for a name behind the back of the log', found: /^I5: account .* was paused for dns:a\.internal without an audit entry/,
    make: (copy) => copy.run("insert into acme_pause (realm, account, name, failures, changed, paused) select realm, id, 'dns:a.internal', 9, 1, 1 from acme_account limit 1") },
];
