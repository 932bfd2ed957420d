// The results as text.
import type { FlowResult } from './flows.ts';

/** Columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ').trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const round = (value: number, digits = 0): string => (Number.isNaN(value) ? '–' : value.toFixed(digits));
const sum = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((total, each) => total + each, 0);
const byName = (values: Readonly<Record<string, number>>, digits: number): string =>
  Object.entries(values).map(([name, value]) => `${name} ${round(value, digits)}`).join(' + ');

/** One row per number of clients, and below it where processor time and memory went. */
export function flowTable(results: readonly (FlowResult & { readonly server: string })[]): string {
  const rows = results.map((each) => [each.server, String(each.clients), round(each.perSecond), round(each.p50), round(each.p95), round(each.p99),
    round(sum(each.cpu), 2), round(each.clientCpu, 2), round(sum(each.memory)), String(each.failed)]);
  const head = ['server', 'clients', 'issued/s', 'p50 ms', 'p95 ms', 'p99 ms', 'server CPU ms', 'client CPU ms', 'RSS MB', 'failed'];
  const details = results.map((each) => `${each.server}, ${each.clients} clients: CPU ms ${byName(each.cpu, 2)}; MB ${byName(each.memory, 0)}` +
    `${each.firstFailure === undefined ? '' : `; first failure: ${each.firstFailure}`}`);
  return `${table(head, rows)}\n\n${details.join('\n')}`;
}
