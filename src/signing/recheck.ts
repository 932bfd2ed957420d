/**
 * The signer's own opinion of what it is asked to sign. It trusts no front: it reads the TBS, renders it again from what it
 * read and from its own configuration, and wants the same bytes. What rendering cannot know (time, names, the key, the
 * serial) is checked on its own, and then the lints run, as they did in the front.
 */
import type { Clock } from '../clock.ts';
import { type Finding, runCrlLints, runLints } from '../lint/index.ts';
import { coreOf, parseTbs, type Tbs } from '../x509/certificate.ts';
import { type CrlTbs, parseCrlTbs, renderCrlTbs } from '../x509/crl.ts';
import { DerError } from '../x509/der.ts';
import { nameConstraintFault } from '../x509/name-constraints.ts';
import { publicKeyFault } from '../x509/public-key.ts';
import { dayOf, readSerial } from '../x509/serial.ts';
import { factsOf, renderTbs } from '../x509/tbs.ts';
import { type CertificateShape, crlUrlOf, isResponder, namesCrl, type TbsFacts } from '../x509/shape.ts';
import { hash } from 'node:crypto';
import type { SignerKey } from './config.ts';

/** How far a front's clock may be ahead of ours, and how long a request may have waited. */
export const SLACK_MS = 5 * 60_000;
/** BR §4.9.7 allows 10 days; the longest that any CRL of ours may promise. */
const LONGEST_CRL_MS = 10 * 24 * 3_600_000;
const LONGEST_CERTIFICATE = 32 * 1024;

export interface Identified {
  /** What may be used once per issuer key: a hex serial, or `crl:SHARD:NUMBER`. */
  readonly serial: string;
  readonly core: string;
}

/** A TBS that could be read, and what there is to say against it. */
export interface CertificateUnderCheck extends Identified {
  readonly tbs: Tbs;
}

/** @returns reasons when the bytes are no TBSCertificate at all */
export function readCertificate(bytes: Uint8Array): CertificateUnderCheck | readonly string[] {
  if (bytes.length > LONGEST_CERTIFICATE) return [`a TBSCertificate of ${bytes.length} bytes`];
  return reading(() => {
    const tbs = parseTbs(bytes);
    return { tbs, serial: tbs.serial, core: coreOf(bytes) };
  });
}

export interface CertificateRules {
  readonly signer: number;
  readonly key: SignerKey;
  readonly profile: string | undefined;
  /** SPKI of every CA key that this signer knows, hex. */
  readonly caKeys: ReadonlySet<string>;
  /** Of every OCSP responder's key, all found in this signer's tokens, hex. */
  readonly responderKeys: ReadonlySet<string>;
  readonly clock: Clock;
}

/** @returns every reason not to sign; none means that it may be signed */
export function recheckCertificate({ tbs }: CertificateUnderCheck, rules: CertificateRules): readonly string[] {
  const shape = rules.key.profiles.find(({ profile }) => profile === rules.profile);
  if (shape === undefined)
    return [`the key ${rules.key.issuer.id} signs no profile ${rules.profile ?? '(none named)'}`];
  const reasons = reading(() => {
    const facts = factsOf(tbs);
    const { issuer } = rules.key;
    const again = renderTbs(shape, issuer, facts);
    return [
      ...(same(again, tbs.bytes) ? [] : [`these are not the bytes that the profile ${shape.profile} renders`]),
      ...serialFaults(facts, rules.signer),
      ...timeFaults(facts, shape, rules),
      ...keyFaults(facts, shape, rules),
      ...nameFaults(facts, rules.key),
      ...(shardExists(facts.shard, shape, issuer.shards) ? [] : [`there is no shard ${facts.shard}`]),
      ...errorsIn(runLints({ tbs, shape, issuer })),
    ];
  });
  return reasons;
}

const shardExists = (shard: number, shape: CertificateShape, shards: number): boolean =>
  namesCrl(shape) ? shard >= 1 && shard <= shards : shard === 0;

function serialFaults({ serial, notBefore, notAfter }: TbsFacts, signer: number): string[] {
  const said = readSerial(serial);
  if (said === undefined) return [`the serial ${serial} is not made as ours are`];
  if (said.signerId !== signer) return [`the serial is of signer ${said.signerId}, this is signer ${signer}`];
  if (said.day !== Math.min(dayOf(notAfter), 0xffff)) return ['the serial names another day than notAfter'];
  // So a serial is acceptable only while its one notBefore is, and need not be remembered for longer.
  if (said.notBefore !== notBefore) return ['the serial names another notBefore'];
  return [];
}

function timeFaults(
  { notBefore, notAfter }: TbsFacts,
  shape: CertificateShape,
  { key, clock }: CertificateRules,
): string[] {
  const now = clock.now();
  const faults: string[] = [];
  if (notBefore > now + SLACK_MS) faults.push('notBefore is in the future');
  if (notBefore < now - shape.backdateMs - SLACK_MS) faults.push('notBefore is too far in the past');
  if (notAfter < now) faults.push('notAfter is already past');
  if (notAfter <= notBefore) faults.push('notAfter is not after notBefore');
  // RFC 5280 §4.1.2.5: both ends are included.
  if (notAfter - notBefore + 1000 > shape.maxValidityMs) faults.push(`valid for longer than ${shape.profile} may be`);
  if (notBefore < key.issuer.notBefore) faults.push("notBefore is before the issuer's");
  if (notAfter > key.issuer.notAfter) faults.push("notAfter is after the issuer's");
  return faults;
}

function keyFaults({ spki }: TbsFacts, shape: CertificateShape, { key, caKeys, responderKeys }: CertificateRules): string[] {
  const hex = Buffer.from(spki).toString('hex');
  if (caKeys.has(hex)) return ['the subject key is the key of a CA'];
  const isOwn = key.responder !== undefined && same(key.responder.spki, spki);
  if (isResponder(shape) && !isOwn) return [`the subject key is not the OCSP responder of ${key.issuer.id} in this signer's token`];
  if (!isResponder(shape) && responderKeys.has(hex)) return ['the subject key is that of an OCSP responder'];
  const fault = publicKeyFault(spki);
  return fault === undefined ? [] : [fault];
}

function nameFaults({ names }: TbsFacts, { issuer, permittedNames }: SignerKey): string[] {
  const constraints = [issuer.permitted, permittedNames].filter((one) => one !== undefined);
  return names.flatMap((name) =>
    constraints.map((one) => nameConstraintFault(one, name)).filter((fault) => fault !== undefined),
  );
}

export interface CrlUnderCheck extends Identified {
  readonly crl: CrlTbs;
  readonly shard: number;
  readonly number: bigint;
}

/** @returns reasons when the bytes are no TBSCertList that names its shard and number */
export function readCrl(bytes: Uint8Array, key: SignerKey): CrlUnderCheck | readonly string[] {
  return reading(() => {
    const crl = parseCrlTbs(bytes);
    const { number, distributionPoint } = crl;
    const url = distributionPoint?.fullName?.[0]?.name?.value;
    const shard = Array.from({ length: key.issuer.shards }, (_, index) => index + 1).find(
      (candidate) => crlUrlOf(key.issuer, candidate) === url,
    );
    if (shard === undefined) return ['the issuing distribution point names no shard of this key'];
    if (number === undefined) return ['there is no CRL number'];
    return { crl, shard, number: number.value, serial: `crl:${shard}:${number.value}`, core: hash('sha256', bytes) };
  });
}

/**
 * Numbers are nanoseconds since 1970, or one more than the last. Higher ones would bring a shard's numbers to their end (20 octets,
 * RFC 5280 §5.2.3).
 */
export const highestCrlNumber = (last: bigint, clock: Clock): bigint => {
  const soon = BigInt(clock.now() + 3_600_000) * 1_000_000n;
  return soon > last ? soon : last + 1n;
};

/** @param last the highest number that was used for the shard, tombstones included */
export function recheckCrl(
  { crl, shard, number }: CrlUnderCheck,
  { issuer }: SignerKey,
  last: bigint,
  clock: Clock,
): readonly string[] {
  return reading(() => {
    const { thisUpdate, nextUpdate, entries = NOTHING, survey } = crl;
    if (nextUpdate === undefined) return ['there is no nextUpdate'];
    const again = renderCrlTbs(issuer, { shard, number, thisUpdate, nextUpdate, entries });
    return [
      ...(same(again, crl.bytes) && survey?.plain !== false ? [] : ['these are not the bytes that a CRL of this shard has']),
      ...(number > last ? [] : [`the CRL number ${number} is not above ${last}`]),
      ...(number <= highestCrlNumber(last, clock) ? [] : [`the CRL number ${number} is too far above ${last}`]),
      ...(Math.abs(thisUpdate - clock.now()) <= SLACK_MS + 3_600_000 ? [] : ['thisUpdate is not now']),
      ...(nextUpdate > thisUpdate && nextUpdate - thisUpdate <= LONGEST_CRL_MS ? [] : ['nextUpdate is out of bounds']),
      ...errorsIn(runCrlLints({ crl, issuer, shard })),
    ];
  });
}

const NOTHING = new Uint8Array(0);

export const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

const errorsIn = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ lint, detail }) => `${lint}: ${detail}`);

/** What cannot be read or written again is refused, not an accident. */
export function reading<T>(work: () => T): T | readonly string[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof DerError || error instanceof RangeError || error instanceof TypeError) return [error.message];
    throw error;
  }
}
