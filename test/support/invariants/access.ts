/** I9, I5: who has an account by whose leave. Credentials make as many accounts as they may, with the bounds that they have, and end with them. */
import { canonicalJson } from '../../../src/ca/canonical-json.ts';
import { type AccountRow, type Bad, type CredentialRow, type Facts, keyOf, objectIn } from './facts.ts';

export function checkAccess(facts: Facts, bad: Bad): void {
  for (const credential of facts.credentials.values()) checkCredential(credential, facts, bad);
  for (const account of facts.accounts.values()) checkAccount(account, facts, bad);
  checkPauses(facts, bad);
  checkCertificates(facts, bad);
}

const saying = ({ entries }: Facts, type: string, member: string, value: string) => entries.filter(({ row, said }) => row.type === type && said[member] === value);

function checkCredential(credential: CredentialRow, facts: Facts, bad: Bad): void {
  const { id, uses, used, directory, expires, revoked, restriction } = credential;
  const [created] = saying(facts, 'credential.created', 'credential', id);
  const bounds = restriction === null ? {} : objectIn(restriction);
  if (created === undefined) bad('I5', `credential ${id} has no audit entry`);
  else {
    const facts = { directory, uses, expires, profiles: bounds['profiles'] ?? null, names: bounds['names'] ?? null };
    for (const [what, value] of Object.entries(facts)) {
      if (canonicalJson(created.said[what] ?? null) !== canonicalJson(value)) bad('I5', `the audit entry of credential ${id} says another ${what}`);
    }
  }
  if (saying(facts, 'credential.used', 'credential', id).length !== used) bad('I5', `credential ${id} was used another number of times than the log says`);
  const made = [...facts.accounts.values()].filter(({ eab }) => eab === id);
  if (made.length !== used) bad('I9', `credential ${id} was used another number of times than there are accounts of it`);
  if (uses !== null && used > uses) bad('I9', `credential ${id} was used more often than it may`);
  if (revoked !== null && saying(facts, 'credential.revoked', 'credential', id).length === 0) bad('I5', `credential ${id} was revoked without an audit entry`);
}

function checkAccount(account: AccountRow, facts: Facts, bad: Bad): void {
  const { id, eab, restriction, revoked } = account;
  const credential = eab === null ? undefined : facts.credentials.get(eab);
  if (eab !== null) {
    if (saying(facts, 'credential.used', 'account', id).length !== 1) bad('I5', `account ${id} was made by a credential, and the log does not say so`);
    if (credential === undefined) {
      bad('I9', `account ${id} was made by a credential that is not there`);
      return;
    }
    if (credential.directory !== account.directory) bad('I9', `account ${id} was made by a credential of another directory`);
    const bounds = credential.restriction === null ? undefined : { by: `external account binding ${eab}`, ...objectIn(credential.restriction) };
    if (canonicalJson(bounds ?? null) !== canonicalJson(restriction === null ? null : objectIn(restriction))) bad('I9', `account ${id} has other bounds than its credential`);
    if (credential.revoked !== null && revoked === null) bad('I9', `account ${id} is good, and its credential is revoked`);
  }
  if (revoked !== null && typeof credential?.revoked !== 'number' && saying(facts, 'account.revoked', 'account', id).length === 0) bad('I5', `account ${id} was revoked without an audit entry`);
}

/** Nobody is stopped without the log saying so. */
function checkPauses(facts: Facts, bad: Bad): void {
  for (const { id, paused } of facts.accounts.values()) {
    if (paused !== null && saying(facts, 'account.paused', 'account', id).length === 0) bad('I5', `account ${id} was paused without an audit entry`);
  }
  for (const { account, name } of facts.pauses) {
    if (!saying(facts, 'account.paused-for-name', 'account', account).some(({ said }) => said['name'] === name)) bad('I5', `account ${account} was paused for ${name} without an audit entry`);
  }
}

/** Each was decided under the bounds of the account that asked: the decision itself is made again among the rules of certificates. */
function checkCertificates({ certificates, accounts, evidenceByDigest }: Facts, bad: Bad): void {
  for (const row of certificates) {
    const account = row.requester_kind === 'acme-account' ? accounts.get(row.requester_id) : undefined;
    const said = objectIn(evidenceByDigest.get(row.evidence_digest)?.body ?? '');
    if (account === undefined || said['requester'] === undefined) continue;
    const { restriction } = said['requester'] as { restriction?: unknown };
    if (canonicalJson(restriction ?? null) !== canonicalJson(account.restriction === null ? null : objectIn(account.restriction))) {
      bad('I3', `certificate ${keyOf(row)} was decided under other bounds than its account has`);
    }
  }
}
