// CAA (RFC 8659; accounturi and validationmethods of RFC 8657): does the domain's owner let this CA certify the name?
import { printable } from '../dial/printable.ts';
import type { Call, Resolver } from '../dial/resolver.ts';
import type { ChallengeType } from './evidence.ts';
import { parametersOf, parseIssueValue } from './issue-value.ts';

export interface CaaQuestion {
  /** Lower case, without `*.`. */
  readonly name: string;
  readonly wildcard: boolean;
  readonly method: ChallengeType;
  /** What this CA is called in CAA records. */
  readonly issuers: readonly string[];
  readonly accountUrls: readonly string[];
}

/** What was found, for the record: where the records are (absent when there are none), and the first few. */
export interface CaaFound {
  readonly domain?: string;
  readonly records?: readonly string[];
}

/** `fault`: one clause, fit for the client, saying why not. */
export interface CaaAnswer {
  readonly found: CaaFound;
  readonly fault?: string;
}

/** Looks from the name up to its top-level domain; the first domain that has records decides (RFC 8659 §3). Throws DialFault `dns`. */
export async function askCaa(resolver: Resolver, question: CaaQuestion, call: Call): Promise<CaaAnswer> {
  const labels = question.name.split('.');
  for (let at = 0; at < labels.length; at++) {
    const domain = labels.slice(at).join('.');
    const { values } = await resolver.caa(domain, call);
    if (values.length === 0) continue;
    const fault = caaFault(values, question);
    const found = { domain, records: values.slice(0, 4).map((value) => printable(value, 128)) };
    return { found, ...(fault === undefined ? {} : { fault: `the CAA records of ${domain} ${fault}` }) };
  }
  return { found: {} };
}

/** Tags that are understood: what they ask for is done, or (iodef and the mail tags) nothing is asked of a server that issues. */
const KNOWN: ReadonlySet<string> = new Set(['issue', 'issuewild', 'iodef', 'issuemail', 'contactemail', 'contactphone']);

/** What a set of records (`FLAGS TAG VALUE`) says against it, after the words "the records"; undefined when they allow it. Pure. */
export function caaFault(records: readonly string[], question: Omit<CaaQuestion, 'name'>): string | undefined {
  const parsed = records.map((record) => {
    const [, flags = '0', tag = '?', value = ''] = /^(\d+) (\S+) (.*)$/s.exec(record) ?? [];
    // §4.1: bit 0, which is 128; and 1, for those who counted the bits from the other end.
    return { critical: (Number(flags) & 0x81) !== 0, tag: tag.toLowerCase(), value };
  });
  const unknown = parsed.find(({ critical, tag }) => critical && !KNOWN.has(tag));
  if (unknown !== undefined) return `have the critical property "${printable(unknown.tag, 20)}", which is not understood here`;
  const valuesOf = (wanted: string) => parsed.filter(({ tag }) => tag === wanted).map(({ value }) => value);
  const wild = question.wildcard ? valuesOf('issuewild') : [];
  const values = wild.length > 0 ? wild : valuesOf('issue'); // §4.3: issuewild speaks for wildcards instead of issue, and of nothing else
  if (values.length === 0) return undefined;
  const refusals = values.map((value) => refusal(value, question));
  return refusals.includes(undefined) ? undefined : (refusals.find((clause) => clause !== ELSEWHERE) ?? ELSEWHERE);
}

const ELSEWHERE = 'do not name this certificate authority';

/** Why one issue or issuewild property does not allow it. What does not follow the grammar allows nobody (§4.2). */
function refusal(value: string, { issuers, accountUrls, method }: Omit<CaaQuestion, 'name'>): string | undefined {
  const record = parseIssueValue(value);
  if (record === undefined || !issuers.includes(record.issuer)) return ELSEWHERE;
  const accounts = parametersOf(record, 'accounturi');
  const methods = parametersOf(record, 'validationmethods');
  // RFC 8657 §3, §4: more than one of either cannot be fulfilled.
  if (accounts.length > 1 || methods.length > 1) return 'repeat a parameter of RFC 8657, and so allow nobody';
  const [account] = accounts;
  if (account !== undefined && !accountUrls.includes(account)) return `allow another account than ${accountUrls[0]}`;
  const [list] = methods;
  if (list !== undefined && !list.split(',').includes(method)) return `do not allow validation by ${method}`;
  return undefined;
}
