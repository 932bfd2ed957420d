// The results as text, beside what the design aims at.
import type { CrlFigures } from './crl.ts';
import type { Floors } from './floors.ts';
import type { Hanging } from './hanging.ts';
import type { FlowResult } from './flows.ts';
import type { IssueRate } from './issue-loop.ts';
import type { OcspRates } from './ocsp.ts';
import type { SlowSignatures } from './slow-signatures.ts';

export type ServerFlow = FlowResult & { readonly server: string };

/** Whatever parts were asked for. */
export interface Results {
  readonly flows?: readonly ServerFlow[];
  readonly startMs?: number;
  readonly floors?: Floors;
  readonly issue?: IssueRate;
  readonly slow?: SlowSignatures;
  readonly crl?: CrlFigures;
  readonly hanging?: Hanging;
  readonly ocsp?: OcspRates;
  /** Orders with 100 names, at each number of clients. */
  readonly names?: readonly FlowResult[];
}

const round = (value: number, digits = 0): string => (Number.isNaN(value) ? '–' : value.toFixed(digits));
const sum = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((total, each) => total + each, 0);
const byName = (values: Readonly<Record<string, number>>, digits: number): string =>
  Object.entries(values).map(([name, value]) => `${name} ${round(value, digits)}`).join(', ');

/** Columns as wide as their widest cell; numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ').trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function flowText(flows: readonly ServerFlow[]): string {
  const rates = table(['complete ACME issuances', 'clients', 'per s', 'p50 ms', 'p95 ms', 'p99 ms', 'failed'],
    flows.map((each) => [each.server, String(each.clients), round(each.perSecond), round(each.p50, 1), round(each.p95, 1), round(each.p99, 1), String(each.failed)]));
  const costs = table(['cost per issuance', 'clients', 'server CPU ms', 'client CPU ms', 'server MB (PSS)'],
    flows.map((each) => [each.server, String(each.clients), round(sum(each.cpu), 2), round(each.clientCpu, 2), round(sum(each.memory))]));
  const shares = flows.map((each) => `  ${each.server}, ${each.clients}: CPU ms ${byName(each.cpu, 2)}; MB ${byName(each.memory, 0)}`);
  const failures = flows.flatMap((each) => (each.firstFailure === undefined ? [] : [`  ${each.server}, ${each.clients}: ${each.firstFailure}`]));
  const steps = flows.map((each) => `  ${each.server}, ${each.clients}: ${byName(each.steps, 1)}`);
  return [rates, '', costs, ...shares, '', 'mean ms of each step', ...steps, ...(failures.length > 0 ? ['', 'first failures', ...failures] : [])].join('\n');
}

/** Ours against the other server, at each number of clients, when both ran. */
function comparison(flows: readonly ServerFlow[]): string[] {
  return flows.flatMap((other, index) => {
    const ours = flows[index - 1];
    if (ours === undefined || ours.server === other.server || ours.clients !== other.clients) return [];
    return [`${ours.server} is ${round(ours.perSecond / other.perSecond, 2)} × ${other.server} at ${ours.clients} clients`];
  });
}

function floorText({ crypto, transport, es256Verify, moduleSign, emptyRequest, fsync }: Floors): string {
  return table(['floors, per issuance', 'CPU ms'], [
    ['crypto: 7 ES256 verifications, CSR, 1 signature through the module, 1 verification', round(crypto, 2)],
    [`  one verification ${round(es256Verify * 1000)} µs, one signature ${round(moduleSign * 1000)} µs`, ''],
    ['transport: 7 empty koa requests over TLS', round(transport, 2)],
    [`  one request ${round(emptyRequest * 1000)} µs`, ''],
    ['both', round(crypto + transport, 2)],
    ['fsync, median (waiting, not CPU)', round(fsync, 2)],
  ]);
}

const hangingText = ({ clients, hanging: [first, last], before, during }: Hanging): string =>
  `issuances at ${clients} clients while ${first} to ${last} validations hang: ${round(during)}/s, ${round(100 * during / before)} % of the ${round(before)}/s without them`;

function crlText({ database, revoked, shards, octets, ms, cpu, signerCpu, blocked, rss, one, bulk }: CrlFigures): string {
  return table([`CRLs (${database}): ${revoked} revoked, ${shards} shards, ${round(octets / 1e6)} MB`, ''], [
    ['all shards made anew, s', round(ms / 1000, 2)], ['  CPU of the front, s', round(cpu / 1000, 2)], ['  CPU of the signer, s', round(signerCpu / 1000, 2)],
    ['  event loop blocked at most, ms', round(blocked)], ['  memory of the front at most, MB (RSS)', round(rss)],
    ['one shard made anew, ms', round(one)], ['revoked in bulk, stored, per s', round(bulk)],
  ]);
}

const ocspText = ({ kept, openLoop: { offered, answered, p50, p99 }, signed }: OcspRates): string =>
  [`OCSP by one front: ${round(kept.perSecond)}/s by GET from what is kept, ${round(signed.perSecond)}/s signed for each caller (nonces)`,
    `  CPU µs: kept ${byName(kept.cpu, 0)}; signed ${byName(signed.cpu, 0)}`,
    `OCSP by GET at ${offered}/s offered: ${round(answered)}/s answered, p50 ${round(p50, 2)} ms, p99 ${round(p99, 2)} ms`].join('\n');

const namesText = (results: readonly FlowResult[]): string => [
  table(['orders with 100 names', 'clients', 'per s', 'p50 ms', 'p95 ms', 'server CPU ms', 'failed'],
    results.map((each) => ['', String(each.clients), round(each.perSecond, 2), round(each.p50), round(each.p95), round(sum(each.cpu)), String(each.failed)])),
  ...results.map((each) => `  ${each.clients}: mean ms of each step ${byName(each.steps, 0)}; CPU ms ${byName(each.cpu, 0)}${each.firstFailure === undefined ? '' : `; ${each.firstFailure}`}`),
].join('\n');

export function report({ flows, startMs, floors, issue, slow, hanging, crl, ocsp, names }: Results): string {
  const parts: string[] = [];
  if (flows !== undefined) parts.push(flowText(flows), ...comparison(flows));
  if (startMs !== undefined) parts.push(`start to ready, keys made: ${round(startMs / 1000, 2)} s`);
  if (floors !== undefined) parts.push(floorText(floors));
  if (issue !== undefined) parts.push(`issue() alone, stored: ${round(issue.perSecond)}/s, ${round(issue.cpu, 2)} ms of the front's CPU each`);
  if (slow !== undefined) parts.push(`certificates with ${slow.addedMs} ms added to each signature, ${slow.lanes} lanes: ${round(slow.perSecond)}/s, ${round(100 * slow.share)} % of lanes ÷ latency`);
  if (hanging !== undefined) parts.push(hangingText(hanging));
  if (crl !== undefined) parts.push(crlText(crl));
  if (ocsp !== undefined) parts.push(ocspText(ocsp));
  if (names !== undefined) parts.push(namesText(names));
  return parts.join('\n\n');
}
