/** `chancery renewals`: have certificates renewed before their time, and let them go again. */
import { duration, pageUrl } from '../config/values.ts';
import { ask } from './admin-socket.ts';
import { type Command, Mistake } from './command.ts';
import { readOptions } from './options.ts';

export const renewals: Command = {
  name: 'renewals',
  help: `usage: chancery renewals pull SERIAL [options]
       chancery renewals pull [--profile NAME] [--issued-between FROM..TO] [options]
       chancery renewals list [--after ID] [--json]

Pulls renewal windows forward: ACME clients that ask (ARI, RFC 9773) then renew at once, the next time they ask. Of a set, what was
issued until now is meant, never what is issued from now on. FROM and TO are like 2026-11-01 or 2026-11-01T12:00:00Z, in UTC.

  --all               every certificate, when neither SERIAL nor --profile nor --issued-between narrows it
  --over DURATION     spread the renewals over so long (30m, 24h) instead of asking for all of them at once
  --explanation URL   a page for people, which clients show
  --release           undo: let go what was pulled for exactly this selection
  --dry-run           say what would be done, and to how many certificates
  --json              print the result as JSON

  scripts/chancery renewals pull 01c8… --explanation https://pki.example.internal/incidents/7
  scripts/chancery renewals pull --profile server --issued-between 2026-11-01..2026-11-03 --over 24h --dry-run
  scripts/chancery renewals pull --profile server --issued-between 2026-11-01..2026-11-03 --release`,
  async run([verb, ...args]) {
    if (verb === 'pull') return pull(args);
    if (verb === 'list') return list(args);
    throw new Mistake(`${verb === undefined ? 'say what to do' : `there is no "${verb}"`}: pull or list (chancery renewals --help)`);
  },
};

interface Pulled {
  readonly pulls: readonly { readonly id: string; readonly scope: string; readonly issuedFrom?: string; readonly issuedTo?: string; readonly at: string }[];
  readonly certificates?: number;
  readonly complete?: boolean;
  readonly applied?: boolean;
  readonly released?: boolean;
}

async function pull(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions('renewals', args, {
    profile: { type: 'string' }, 'issued-between': { type: 'string' }, all: { type: 'boolean', default: false }, over: { type: 'string' },
    explanation: { type: 'string' }, release: { type: 'boolean', default: false }, 'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  }, true);
  const [serial, ...more] = positionals;
  if (more.length > 0) throw new Mistake('one SERIAL at a time: chancery renewals pull SERIAL');
  const { profile, 'issued-between': between, release, json } = values;
  const narrowed = profile !== undefined || between !== undefined;
  if ([serial !== undefined, narrowed, values.all].filter(Boolean).length !== 1) {
    throw new Mistake('say which certificates: a SERIAL, or --profile and --issued-between, or --all (chancery renewals --help)');
  }
  const done = (await ask('POST', '/renewals/pull', {
    ...(serial === undefined ? {} : { serial: serial.toLowerCase().replaceAll(':', '') }),
    ...(profile === undefined ? {} : { profile }), ...(between === undefined ? {} : rangeOf(between)),
    ...(values.over === undefined ? {} : { overMs: fit('--over', values.over, duration) }),
    ...(values.explanation === undefined ? {} : { explanation: fit('--explanation', values.explanation, pageUrl) }),
    release, dryRun: values['dry-run'],
  })) as Pulled;
  console.log(json ? JSON.stringify(done) : told(done));
  return 0;
}

function told({ pulls, certificates = 0, complete, applied, released }: Pulled): string {
  if (released !== undefined) {
    if (pulls.length === 0) return 'nothing is pulled forward for exactly this selection: chancery renewals list shows what is';
    return `${released ? 'released' : 'would release'}: ${pulls.map(({ id }) => id).join(', ')}`;
  }
  const many = `${complete === false ? 'at least ' : ''}${certificates} ${certificates === 1 ? 'certificate' : 'certificates'}`;
  return applied === true ? `pulled forward: ${many} (${pulls[0]?.id ?? ''})` : `would pull forward: ${many}; nothing was changed`;
}

async function list(args: readonly string[]): Promise<number> {
  const { values } = readOptions('renewals', args, { after: { type: 'string' }, json: { type: 'boolean', default: false } });
  const page = (await ask('POST', '/renewals/list', values.after === undefined ? {} : { after: values.after })) as Pulled & { next?: string };
  if (values.json) console.log(JSON.stringify(page));
  else if (page.pulls.length === 0) console.log('nothing is pulled forward');
  else {
    for (const { id, scope, at, issuedFrom = 'ever', issuedTo = 'now' } of page.pulls) console.log(`${id}  ${at}  ${scope}  issued ${issuedFrom}..${issuedTo}`);
    if (page.next !== undefined) console.log(`more: chancery renewals list --after ${page.next}`);
  }
  return 0;
}

function rangeOf(text: string): { issuedFrom: number; issuedTo: number } {
  const [from = '', to = '', ...more] = text.split('..');
  const [issuedFrom, issuedTo] = [timeOf(from), timeOf(to)];
  if (more.length > 0 || issuedFrom === undefined || issuedTo === undefined) {
    throw new Mistake(`--issued-between "${text}" is not like 2026-11-01..2026-11-03T12:00:00Z`);
  }
  if (issuedFrom >= issuedTo) throw new Mistake(`--issued-between "${text}" ends before it begins`);
  return { issuedFrom, issuedTo };
}

function timeOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

function fit<T>(option: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    throw new Mistake(`${option}: ${(error as Error).message}`);
  }
}
