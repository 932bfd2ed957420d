/** `chancery eab`: hands out external account bindings, lists them, takes them back. */
import { join, relative } from 'node:path';
import { duration } from '../config/values.ts';
import { ask } from './admin-socket.ts';
import { type Command, Mistake } from './command.ts';
import { places } from './load.ts';
import { readOptions } from './options.ts';

export const eab: Command = {
  name: 'eab',
  help: `usage: chancery eab create [--directory NAME] [options]
       chancery eab list [--after ID] [--json]
       chancery eab revoke ID [--dry-run] [--json]

A credential (RFC 8555, external account binding) lets somebody make ACME accounts: a key id and an HMAC key, which is shown once and
never again. The accounts may have at most the names and profiles given here, and of these only what the directory's policies allow.

  --description TEXT     whom it is for
  --profile NAME         a profile that its accounts may ask for; may be repeated; all of the directory's when left out
  --name NAME            a name that its accounts may have; --suffix NAME: it and all names below; --wildcard NAME: *.NAME and wildcards
                         below; --address RANGE: IP addresses; each may be repeated; all that the policies allow when left out,
                         and no devices when any is given
  --uses N|unlimited     how many accounts it makes (1)
  --expires T|never      until when it makes accounts, from now, like 12h or 30d (30d); accounts that it made stay
  --dry-run              say what would be done, and do nothing
  --json                 print the result as JSON

revoke takes the accounts that it made with it: from then on, all that they ask for is refused.

  scripts/chancery eab create --description 'team blue' --suffix blue.internal --profile server --uses 5
  scripts/chancery eab create --directory staging --expires 12h --json
  scripts/chancery eab list
  scripts/chancery eab revoke ID --dry-run`,
  async run([verb, ...args]) {
    const act = VERBS.get(verb ?? '');
    if (act === undefined) throw new Mistake(`${verb === undefined ? 'say what to do' : `there is no "${verb}"`}: create, list or revoke (chancery eab --help)`);
    return act(args);
  },
};

const VERBS: ReadonlyMap<string, (args: readonly string[]) => Promise<number>> = new Map([['create', create], ['list', list], ['revoke', revoke]]);

interface Credential {
  readonly id: string;
  readonly directory: string;
  readonly description: string;
  readonly status: string;
  readonly profiles?: readonly string[];
  readonly names?: Readonly<Record<'names' | 'suffixes' | 'wildcards' | 'addresses', readonly string[]>>;
  readonly uses?: number;
  readonly used: number;
  readonly expires?: string;
}

const many = { type: 'string', multiple: true, default: [] as string[] } as const;

async function create(args: readonly string[]): Promise<number> {
  const { values } = readOptions('eab', args, {
    directory: { type: 'string', default: 'default' }, description: { type: 'string', default: '' }, profile: many, name: many, suffix: many,
    wildcard: many, address: many, uses: { type: 'string', default: '1' }, expires: { type: 'string', default: '30d' },
    'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  });
  if (values.description.length > 200) throw new Mistake('--description: at most 200 characters');
  const made = (await ask('POST', '/eab/create', {
    directory: values.directory, description: values.description, profiles: values.profile, names: values.name, suffixes: values.suffix,
    wildcards: values.wildcard, addresses: values.address, uses: usesIn(values.uses), expiresMs: expiresIn(values.expires), dryRun: values['dry-run'],
  })) as { credential: Credential; hmacKey?: string; url: string };
  console.log(values.json ? JSON.stringify(made) : told(made));
  return 0;
}

function told({ credential, hmacKey, url }: { credential: Credential; hmacKey?: string; url: string }): string {
  const root = relative(process.env['INIT_CWD'] ?? process.cwd(), join(places(process.env).state, 'public/root.pem'));
  if (hmacKey === undefined) return `would make: ${summary(credential)}\nnothing was made`;
  return `key id     ${credential.id}
HMAC key   ${hmacKey}   (shown this once)
good for   ${summary(credential)}

  REQUESTS_CA_BUNDLE=${root} certbot register --agree-tos --email you@example.internal --server ${url} \\
    --eab-kid ${credential.id} --eab-hmac-key ${hmacKey}

  LEGO_CA_CERTIFICATES=${root} lego --accept-tos --email you@example.internal --server ${url} \\
    --eab --kid ${credential.id} --hmac ${hmacKey} --domains NAME --http run`;
}

function summary({ directory, profiles, names, uses, expires }: Credential): string {
  const of = names === undefined ? ['any name'] : [
    ...names.names, ...names.suffixes.map((name) => `${name} and below`), ...names.wildcards.map((name) => `*.${name} and below`), ...names.addresses,
  ];
  const accounts = uses === undefined ? 'any number of accounts' : `${uses} ${uses === 1 ? 'account' : 'accounts'}`;
  return `${accounts} in directory ${directory}, ${expires === undefined ? 'for ever' : `until ${expires}`}; ${profiles?.join(', ') ?? 'any profile'}; ${of.join(', ')}`;
}

function usesIn(text: string): number | null {
  if (text === 'unlimited') return null;
  const uses = Number(text);
  if (/^\d+$/.test(text) && uses >= 1 && uses <= 1_000_000) return uses;
  throw new Mistake('--uses: a number from 1 to 1000000, or unlimited');
}

function expiresIn(text: string): number | null {
  if (text === 'never') return null;
  try {
    return duration(text);
  } catch (error) {
    throw new Mistake(`--expires: ${(error as Error).message}, nor never`);
  }
}

async function list(args: readonly string[]): Promise<number> {
  const { values } = readOptions('eab', args, { after: { type: 'string', default: '' }, json: { type: 'boolean', default: false } });
  const page = (await ask('POST', '/eab/list', { after: values.after })) as { credentials: readonly Credential[]; next?: string };
  if (values.json) console.log(JSON.stringify(page));
  else if (page.credentials.length === 0) console.log('no credentials: chancery eab create makes one');
  else {
    for (const each of page.credentials) console.log(`${each.id}  ${each.status}, used ${each.used} times  ${each.description}\n  ${summary(each)}`);
    if (page.next !== undefined) console.log(`more: chancery eab list --after ${page.next}`);
  }
  return 0;
}

async function revoke(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions('eab', args, { 'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false } }, true);
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw new Mistake('say which one: chancery eab revoke ID (chancery eab list shows them)');
  const done = (await ask('POST', '/eab/revoke', { id, dryRun: values['dry-run'] })) as { accounts: number; revoked: boolean };
  const accounts = `${done.accounts} ${done.accounts === 1 ? 'account' : 'accounts'}`;
  if (values.json) console.log(JSON.stringify(done));
  else console.log(done.revoked ? `revoked, and ${accounts} with it` : `would revoke it, and ${accounts} with it; nothing was changed`);
  return 0;
}
