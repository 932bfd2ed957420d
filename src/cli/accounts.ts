/** `chancery accounts`: looks at ACME accounts, takes them back, pauses them and lets them go on. */
import { ask } from './admin-socket.ts';
import { type Command, Mistake } from './command.ts';
import { readOptions } from './options.ts';

export const accounts: Command = {
  name: 'accounts',
  help: `usage: chancery accounts list [--after ID] [--json]
       chancery accounts show ACCOUNT [--json]
       chancery accounts deactivate|pause|unpause ACCOUNT [--dry-run] [--json]

ACCOUNT is an account's id or its URL, as clients keep it.

  deactivate   for good: all that the account asks for is refused (its status is then "revoked"). Its certificates stay valid; to revoke
               them is another matter
  pause        the account may order nothing until it is unpaused; the rest it may do
  unpause      it may order again, also the names that it was paused for because it never proved them

  scripts/chancery accounts list
  scripts/chancery accounts show https://localhost:8443/acme/account/ID
  scripts/chancery accounts deactivate ID --dry-run`,
  async run([verb, ...args]) {
    if (verb === 'list') return list(args);
    if (verb === 'show') return show(args);
    const change = CHANGES.get(verb ?? '');
    if (change === undefined) {
      throw new Mistake(`${verb === undefined ? 'say what to do' : `there is no "${verb}"`}: list, show, deactivate, pause or unpause (chancery accounts --help)`);
    }
    return apply(verb as string, change, args);
  },
};

/** By what the command calls it, what the account then is. */
const CHANGES: ReadonlyMap<string, string> = new Map([['deactivate', 'revoked'], ['pause', 'paused'], ['unpause', 'unpaused']]);

interface Account {
  readonly id: string;
  readonly directory: string;
  readonly status: string;
  readonly contact: readonly string[];
  readonly thumbprint: string;
  readonly created: string;
  readonly credential?: string;
  readonly paused?: string;
  readonly names: readonly { readonly name: string; readonly failures: number; readonly paused?: string }[];
}

async function list(args: readonly string[]): Promise<number> {
  const { values } = readOptions('accounts', args, { after: { type: 'string', default: '' }, json: { type: 'boolean', default: false } });
  const page = (await ask('POST', '/accounts/list', { after: values.after })) as { accounts: readonly Account[]; next?: string };
  if (values.json) console.log(JSON.stringify(page));
  else if (page.accounts.length === 0) console.log('no accounts');
  else {
    for (const { id, directory, created, contact, ...account } of page.accounts) console.log(`${id}  ${directory}  ${standing(account)}  ${created}  ${contact.join(' ')}`);
    if (page.next !== undefined) console.log(`more: chancery accounts list --after ${page.next}`);
  }
  return 0;
}

const standing = ({ status, paused }: Pick<Account, 'status' | 'paused'>): string => (paused === undefined || status !== 'valid' ? status : 'paused');

async function show(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions('accounts', args, { json: { type: 'boolean', default: false } }, true);
  const account = (await ask('POST', '/accounts/show', { id: only(positionals, 'show') })) as Account;
  console.log(values.json ? JSON.stringify(account) : told(account));
  return 0;
}

function told(account: Account): string {
  const rows: [string, string | undefined][] = [
    ['account', account.id], ['directory', account.directory], ['status', standing(account)], ['paused', account.paused], ['contact', account.contact.join(' ')],
    ['key', account.thumbprint], ['made', account.created], ['by binding', account.credential],
    ...account.names.map(({ name, failures, paused }): [string, string] =>
      ['failed', `${name}, ${failures} times in a row${paused === undefined ? '' : `; paused since ${paused}`}`]),
  ];
  return rows.filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n');
}

async function apply(verb: string, change: string, args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions('accounts', args, { 'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false } }, true);
  const done = (await ask('POST', '/accounts/change', { id: only(positionals, verb), change, dryRun: values['dry-run'] })) as {
    account: Account; changed: boolean; applied: boolean;
  };
  if (values.json) console.log(JSON.stringify(done));
  else if (!done.changed) console.log(`nothing to ${verb}: the account is ${standing(done.account)}`);
  else console.log(done.applied ? `${change}: ${done.account.id}` : `would be ${change}: ${done.account.id}; nothing was changed`);
  return 0;
}

function only(positionals: readonly string[], verb: string): string {
  const [account, ...more] = positionals;
  if (account === undefined || more.length > 0) throw new Mistake(`say which one: chancery accounts ${verb} ACCOUNT (chancery accounts list shows them)`);
  return account;
}
