/**
 * What recovery may be asked for. What could never have been signed gets no tombstone: a front that was taken over could
 * fill the journal with them, or close what is to come.
 */
import type { Clock } from '../clock.ts';
import { readSerial } from '../x509/serial.ts';
import type { SignerKey } from './config.ts';
import { type CrlNumbers, readCrlSerial } from './crl-numbers.ts';
import type { RecoveryAsk } from './protocol.ts';
import { highestCrlNumber, SLACK_MS } from './recheck.ts';
import type { Standing } from './standing.ts';

export interface RecoveryRules {
  /** The issuer key that is asked about; undefined when there is none of that id. */
  readonly key: SignerKey | undefined;
  readonly standing: Pick<Standing, 'holds'>;
  readonly crlNumbers: CrlNumbers;
  readonly clock: Clock;
}

/** @returns why there is no answer to be had here, undefined when there is one */
export function recoveryFault({ purpose, issuerKey, serial }: RecoveryAsk, rules: RecoveryRules): string | undefined {
  const { key, standing, crlNumbers, clock } = rules;
  if (key === undefined) return `there is no issuer key ${issuerKey}`;
  if (purpose === 'crl') {
    const said = readCrlSerial(serial);
    if (said === undefined || said.shard > key.issuer.shards) return `${serial} names no CRL of ${issuerKey}`;
    const highest = highestCrlNumber(crlNumbers.last(issuerKey, said.shard), clock);
    return said.number > highest ? `the CRL number ${said.number} is too high to have been signed` : undefined;
  }
  if (purpose !== 'certificate') return `nothing is signed for the purpose ${purpose}`;
  const said = readSerial(serial);
  if (said === undefined) return `the serial ${serial} is not made as ours are`;
  if (!standing.holds(said.signerId)) return `the serial is of signer ${said.signerId}`;
  // It could be signed after its tombstone was forgotten.
  return said.notBefore > clock.now() + SLACK_MS ? 'the serial is of a time to come' : undefined;
}
