// The ways in which a lookup can find nothing, told apart.
import { DialFault } from './dial-fault.ts';

/** CNAME records on the way to an answer. */
export const MAX_ALIASES = 8;

/** Why a lookup found nothing, whether asking again may help (our side failed), and the words for it. */
const OUTCOMES = {
  nxdomain: { transient: false, words: 'the name does not exist (NXDOMAIN)' },
  nodata: { transient: false, words: 'no such record exists' },
  aliases: { transient: false, words: `the chain of CNAME records is circular or longer than ${MAX_ALIASES}` },
  name: { transient: false, words: 'a name in the chain is not a valid DNS name' },
  servfail: { transient: true, words: 'the resolver failed (SERVFAIL)' },
  refused: { transient: true, words: 'the resolver refused to answer' },
  malformed: { transient: true, words: 'the answer of the resolver made no sense' },
  unreachable: { transient: true, words: 'the resolver could not be reached' },
  timeout: { transient: true, words: 'the resolver did not answer in time' },
} as const;

export type DnsOutcome = keyof typeof OUTCOMES;

export const isTransient = (outcome: DnsOutcome): boolean => OUTCOMES[outcome].transient;

export class DnsFault extends DialFault {
  readonly outcome: DnsOutcome;

  constructor(outcome: DnsOutcome, name: string, what: string, extra = '') {
    const { words, transient } = OUTCOMES[outcome];
    super('dns', `Looking up ${what} for ${name}: ${words}${extra}`, { transient });
    this.outcome = outcome;
  }
}
