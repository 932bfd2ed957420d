/** `chancery revoke`: one certificate, or many after a look at how many and whose they are, in steps that can be taken up again. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './admin-socket.ts';
import { pullForRevocation } from './after-replacement.ts';
import { type Command, Mistake } from './command.ts';
import { readOptions } from './options.ts';

export const revoke: Command = {
  name: 'revoke',
  help: `usage: chancery revoke SERIAL --reason REASON [options]
       chancery revoke [--spki SHA256] [--account ID] [--profile NAME] [--issued-between FROM..TO] --reason REASON [options]

Revokes one certificate, or all that fit every selection that is given. For many it first says how many there are and whose, and goes on
only with --yes. A run that was stopped can be run again: what is revoked already is passed over, and one with --after-replacement goes
on with the certificates that it began with. REASON is unspecified, keyCompromise,
affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn or, where the profile allows it, certificateHold. keyCompromise
blocks the key for good, and revokes every certificate with it. FROM and TO are like 2026-11-01 or 2026-11-01T12:00:00Z, in UTC.

  --spki SHA256           all with this public key: the SHA-256 of its SubjectPublicKeyInfo, in hexadecimal digits
  --account ID            all of this ACME account: its id, as chancery accounts list shows it, not its URL
  --compromised-at TIME   with keyCompromise: since when the key is believed to have been known to others
  --after-replacement     have them renewed first (as chancery renewals pull does), and revoke each when it has a replacement
  --deadline TIME         with --after-replacement: revoke by then what has none
  --issuer-key ID         only of this issuer key
  --yes                   revoke, not only look
  --dry-run               say what would be revoked; change nothing
  --json                  print the result as JSON

  scripts/chancery revoke 01c8… --reason superseded
  scripts/chancery revoke --profile server --issued-between 2026-11-01..2026-11-03 --reason superseded
  scripts/chancery revoke --account 17b0… --reason cessationOfOperation --yes
  scripts/chancery revoke --profile server --reason superseded --after-replacement --deadline 2026-12-01 --yes`,
  async run(args) {
    const { values, positionals } = readOptions('revoke', args, {
      reason: { type: 'string' }, spki: { type: 'string' }, account: { type: 'string' }, profile: { type: 'string' }, 'issued-between': { type: 'string' },
      'issuer-key': { type: 'string' }, 'compromised-at': { type: 'string' }, 'after-replacement': { type: 'boolean', default: false },
      deadline: { type: 'string' }, yes: { type: 'boolean', default: false }, 'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
    }, true);
    const [serial, ...more] = positionals;
    if (values.reason === undefined) throw new Mistake('say why: --reason superseded (chancery revoke --help lists the reasons)');
    if (more.length > 0) throw new Mistake('one SERIAL at a time');
    const selection = selectionOf(values);
    const many = Object.keys(selection).length > 0;
    if (many === (serial !== undefined)) throw new Mistake('say which certificates: a SERIAL, or --spki, --account, --profile or --issued-between');
    if (values.deadline !== undefined && !values['after-replacement']) throw new Mistake('--deadline goes with --after-replacement');
    if (values['after-replacement'] && values.reason === 'keyCompromise') throw new Mistake('a compromised key cannot wait: keyCompromise goes without --after-replacement');
    const ordered = {
      reason: values.reason, correlation: `cli-${randomBytes(6).toString('hex')}`, ...defined('issuerKey', values['issuer-key']),
      ...defined('compromisedAt', time('--compromised-at', values['compromised-at'])),
    };
    if (serial !== undefined) return single({ ...ordered, serial: hexOf(serial) }, values['dry-run'], values.json);
    if (!values['after-replacement']) return several({ ...ordered, ...selection }, values);
    return afterReplacement({ ...ordered, ...selection }, time('--deadline', values.deadline) ?? Number.MAX_SAFE_INTEGER, values);
  },
};

interface Step {
  readonly seen: number; readonly selected: number; readonly already: number; readonly refused: number; readonly waiting: number; readonly revoked: number;
  readonly owners: Readonly<Record<string, number>>;
  readonly next?: unknown;
}

async function single(request: object, dryRun: boolean, json: boolean): Promise<number> {
  if (dryRun) {
    const found = (await ask('POST', '/revoke', { ...request, dryRun })) as Found;
    console.log(json ? JSON.stringify(found) : `${wouldBe(found)} ${found.serial} (profile ${found.profile}, of ${found.owner}); nothing was changed`);
    return 0;
  }
  const done = (await ask('POST', '/revoke', request)) as { serial: string; kind: string; reason: string; at: number; others?: number };
  const others = done.others === undefined || done.others === 0 ? '' : `, and ${done.others} more with the same key`;
  console.log(json ? JSON.stringify(done) : `${done.kind === 'revoked' ? 'revoked' : 'was revoked already'}: ${done.serial} (${done.reason}, ${new Date(done.at).toISOString()})${others}`);
  return 0;
}

/** What is there, and what would become of it: a reason, `nothing`, or `refuse` with `why`. */
interface Found {
  readonly serial: string; readonly profile: string; readonly owner: string; readonly is?: string; readonly would: string; readonly why?: string;
}

function wouldBe({ is, would, why }: Found): string {
  if (would === 'refuse') return `would refuse, for ${why}:`;
  if (would === 'nothing') return `revoked already (${is}):`;
  const key = would === 'keyCompromise' ? ', block its key, and revoke all that have that key' : '';
  return `${is === undefined ? `would revoke (${would})` : `would change ${is} to ${would}`}${key}:`;
}

const LOOK_MS = 60_000;
const OWNERS_SHOWN = 20;

async function several(request: object, options: Options): Promise<number> {
  const found = await through({ ...request, dryRun: true });
  if (!options.json) tell(found);
  if (!mayBegin(found, options)) return 0;
  const { revoked } = await through(request, progressOf(found, options));
  told(found, revoked, options);
  return 0;
}

async function afterReplacement(asked: object, deadline: number, options: Options): Promise<number> {
  const { profile, 'issued-between': between } = options;
  if (profile === undefined && between === undefined) { // what pulls renewal windows forward knows no more than these
    throw new Mistake('--after-replacement goes with --profile or --issued-between: for others, have them renewed with chancery renewals pull SERIAL');
  }
  const set = { ...defined('profile', profile), ...rangeOf(between) };
  const would = await pullForRevocation(set, { dryRun: true });
  if (deadline <= Date.now() && !would.resumed) throw new Mistake('--deadline is past');
  const found = await through({ ...asked, issuedTo: would.issuedTo, deadline, dryRun: true });
  if (!options.json) {
    tell(found);
    console.log(`issued before ${new Date(would.issuedTo).toISOString()}${would.resumed ? ', when this began' : ''}; what replaces them is not touched`);
  }
  if (!mayBegin(found, options)) {
    if (would.resumed && options.yes && !options['dry-run']) await pullForRevocation(set, { release: true }); // all was done, but for this
    return 0;
  }
  const { issuedTo } = await pullForRevocation(set);
  let revoked = 0;
  for (;;) {
    const done = await through({ ...asked, issuedTo, deadline }, progressOf(found, options, revoked));
    revoked += done.revoked;
    if (done.waiting === 0) break;
    if (!options.json) process.stderr.write(`\r${revoked} of ${found.selected} revoked, ${done.waiting} wait for their replacements\n`);
    await sleep(Math.max(1, Math.min(LOOK_MS, deadline - Date.now())));
  }
  await pullForRevocation(set, { release: true });
  told(found, revoked, options);
  return 0;
}

/** Says that nothing was done where that is so. */
function mayBegin(found: Step, { yes, 'dry-run': dryRun, json }: Options): boolean {
  const none = found.selected === found.refused;
  if (yes && !dryRun && !none) return true;
  console.log(json ? JSON.stringify(found) : `nothing was changed${dryRun || none ? '' : ': add --yes to revoke them'}`);
  return false;
}

const progressOf = ({ selected }: Step, { json }: Options, before = 0) => ({ revoked }: Step): void => {
  if (!json) process.stderr.write(`\r${before + revoked} of ${selected} revoked`);
};

const told = ({ selected }: Step, revoked: number, { json }: Options): void =>
  console.log(json ? JSON.stringify({ selected, revoked }) : `\nrevoked: ${revoked}`);

type Options = { readonly yes: boolean; readonly 'dry-run': boolean; readonly json: boolean; readonly profile?: string; readonly 'issued-between'?: string };

/** All steps, from the first to the last. */
async function through(request: object, progress: (sum: Step) => void = () => {}): Promise<Step> {
  let sum: Step = { seen: 0, selected: 0, already: 0, refused: 0, waiting: 0, revoked: 0, owners: {} };
  for (let after: unknown; ; ) {
    const { next, ...step } = (await ask('POST', '/revoke', { ...request, ...defined('after', after) })) as Step;
    const owners = { ...sum.owners };
    for (const [owner, count] of Object.entries(step.owners)) owners[owner] = (owners[owner] ?? 0) + count;
    sum = {
      seen: sum.seen + step.seen, selected: sum.selected + step.selected, already: sum.already + step.already, refused: sum.refused + step.refused,
      waiting: sum.waiting + step.waiting, revoked: sum.revoked + step.revoked, owners,
    };
    progress(sum);
    if (next === undefined) return sum;
    after = next;
  }
}

function tell({ selected, already, refused, owners }: Step): void {
  console.log(`${selected} good certificates fit, ${already} are revoked already${refused > 0 ? `, and for ${refused} this reason may not be given` : ''}`);
  const sorted = Object.entries(owners).sort(([, a], [, b]) => b - a);
  for (const [owner, count] of sorted.slice(0, OWNERS_SHOWN)) console.log(`  ${count}  ${owner}`);
  if (sorted.length > OWNERS_SHOWN) console.log(`  and ${sorted.length - OWNERS_SHOWN} more owners`);
}

function selectionOf(values: { spki?: string; account?: string; profile?: string; 'issued-between'?: string }): object {
  return {
    ...defined('spkiSha256', values.spki === undefined ? undefined : digest(values.spki)), ...defined('requesterId', values.account),
    ...defined('profile', values.profile), ...rangeOf(values['issued-between']),
  };
}

function rangeOf(text: string | undefined): object {
  if (text === undefined) return {};
  const [from, to, ...more] = text.split('..');
  const range = { issuedFrom: time('--issued-between', from), issuedTo: time('--issued-between', to) };
  if (more.length > 0 || range.issuedFrom === undefined || range.issuedTo === undefined) {
    throw new Mistake(`--issued-between: "${text}" is not like 2026-11-01..2026-11-03`);
  }
  if (range.issuedFrom >= range.issuedTo) throw new Mistake(`--issued-between: "${text}" ends before it begins`);
  return range;
}

function time(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new Mistake(`${option}: "${text}" is not like 2026-11-01 or 2026-11-01T12:00:00Z`);
  return at;
}

function digest(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Mistake(`--spki: "${text}" is not the SHA-256 of a public key in 64 hexadecimal digits`);
  return text.toLowerCase();
}

function hexOf(serial: string): string {
  const hex = serial.toLowerCase().replace(/^0x/, '').replaceAll(':', '');
  if (!/^[0-9a-f]+$/.test(hex)) throw new Mistake(`"${serial}" is no serial number: give it in hexadecimal digits, as certificates show it`);
  return hex.length % 2 === 1 ? `0${hex}` : hex;
}

const defined = <T>(name: string, value: T | undefined): Record<string, T> => (value === undefined ? {} : { [name]: value });
