/** `chancery challenge`: what the server saw when it looked for a client's proof, try by try. */
import { ask } from './admin-socket.ts';
import { type Command, Mistake } from './command.ts';
import { readOptions } from './options.ts';

export const challenge: Command = {
  name: 'challenge',
  help: `usage: chancery challenge show [--json] CHALLENGE

Shows what became of a challenge, and for each try that failed (the newest four are kept) which resolver said what, where the server
connected, where it was redirected, and how the answer began. The client is told less: nothing of what private addresses answered.

CHALLENGE is the URL of a challenge or authorization, as clients log it, or an authorization's id.

  scripts/chancery challenge show https://localhost:8443/acme/authorization/ID
  scripts/chancery challenge show --json ID`,
  async run([verb, ...args]) {
    if (verb !== 'show') throw new Mistake(`${verb === undefined ? 'say what to do' : `there is no "${verb}"`}: show (chancery challenge --help)`);
    const { values, positionals } = readOptions('challenge', args, { json: { type: 'boolean', default: false } }, true);
    const [reference, ...more] = positionals;
    if (reference === undefined || more.length > 0) throw new Mistake('say which one, by its URL: chancery challenge show URL');
    const record = (await ask('POST', '/challenge/show', { reference })) as ChallengeRecord;
    console.log(values.json ? JSON.stringify(record, null, 2) : challengeText(record));
    return 0;
  },
};

export interface ChallengeRecord {
  readonly authorization: string;
  readonly account: string;
  readonly identifier: { readonly type: string; readonly value: string };
  readonly wildcard: boolean;
  readonly subdomains: boolean;
  readonly status: string;
  readonly expires: string;
  /** Absent while the client has answered none. */
  readonly challenge?: { readonly type: string; readonly tries: number; readonly finished?: string };
  readonly tries: readonly Try[];
}

interface Try {
  /** Absent for the one that ended well. */
  readonly number?: number;
  readonly problem?: string;
  readonly detail?: string;
  readonly evidence: {
    readonly at: number;
    readonly ms: number;
    readonly lookups?: readonly { name: string; type: string; resolver?: string; outcome: string; answers?: readonly string[]; aliases?: readonly string[]; authentic?: true; ms: number }[];
    readonly dials?: readonly { address: string; port: number; outcome: string; ms?: number }[];
    readonly address?: string;
    readonly redirects?: readonly string[];
    readonly status?: number;
    readonly tlsVersion?: string;
    readonly certificateSha256?: string;
    readonly excerpt?: string;
    readonly caa?: { readonly domain?: string; readonly records?: readonly string[] };
  };
}

export function challengeText(record: ChallengeRecord): string {
  const { identifier, wildcard, subdomains, status, challenge: answered, tries } = record;
  const name = `${wildcard ? '*.' : ''}${identifier.value}${subdomains ? ' and all below it' : ''}`;
  return [
    `${name}: ${status}${answered === undefined ? ', and no challenge was answered' : `, by ${answered.type}, ${answered.tries} ${answered.tries === 1 ? 'try' : 'tries'}`}`,
    `  account ${record.account}, authorization ${record.authorization}, expires ${record.expires}`,
    ...tries.flatMap(tryLines),
  ].join('\n');
}

function tryLines({ number, problem, detail, evidence }: Try): string[] {
  const { at, ms, lookups = [], dials, address, redirects = [], status, tlsVersion, certificateSha256, excerpt, caa } = evidence;
  const head = number === undefined ? 'the proof' : `try ${number}: ${problem}`;
  return [
    `${head}, at ${new Date(at).toISOString()}, ${ms} ms`,
    ...lookups.map((lookup) => {
      const found = lookup.answers === undefined ? lookup.outcome : lookup.answers.map((answer) => JSON.stringify(answer)).join(', ');
      const via = lookup.aliases === undefined ? '' : `, by CNAME through ${lookup.aliases.join(', ')}`;
      return `  ${lookup.type} of ${lookup.name}: ${found}${via} (${lookup.resolver ?? 'from the configuration'}${lookup.authentic ? ', DNSSEC' : ''}, ${lookup.ms} ms)`;
    }),
    ...(dials ?? []).map((dial) => `  ${dial.address} port ${dial.port}: ${dial.outcome}${dial.ms === undefined ? '' : ` (${dial.ms} ms)`}`),
    ...(dials === undefined && address !== undefined ? [`  ${address}: connected`] : []),
    ...redirects.map((url) => `  redirected to ${url}`),
    ...(status === undefined ? [] : [`  HTTP status ${status}`]),
    ...(tlsVersion === undefined ? [] : [`  ${tlsVersion}${certificateSha256 === undefined ? '' : `, certificate ${certificateSha256}`}`]),
    ...(excerpt === undefined ? [] : [`  the answer began ${JSON.stringify(excerpt)}`]),
    ...(caa === undefined ? [] : [`  CAA: ${caa.domain === undefined ? 'no records' : `${caa.domain}: ${caa.records?.join(', ')}`}`]),
    ...(detail === undefined ? [] : [`  ${detail}`]),
  ];
}
