// What a DNS message says about a name, within bounds.
import type { Answer } from 'dns-packet';
import { canonicalIp } from '../x509/ip.ts';
import type { DnsMessage } from './dns-exchange.ts';
import type { LookupRecord } from './trail.ts';

const MAX_ADDRESSES = 16;
const MAX_RECORDS = 100;
const EXTENDED_ERROR = 15;

const owner = (record: Answer): string => record.name.toLowerCase();

/** Where the name leads, if it is an alias. */
export function aliasOf(name: string, records: readonly Answer[]): string | undefined {
  const alias = records.find((record) => record.type === 'CNAME' && owner(record) === name);
  return alias?.type === 'CNAME' ? alias.data.toLowerCase() : undefined;
}

/**
 * The records of exactly this name and type: dotted addresses; TXT strings joined, one character per octet;
 * CAA as `FLAGS TAG VALUE`, `?` for a tag that is none (RFC 8659 §4.1: letters and digits).
 */
export function valuesOf(name: string, type: LookupRecord['type'], records: readonly Answer[]): string[] {
  const values: string[] = [];
  for (const record of records) {
    if (record.type !== type || owner(record) !== name || record.class !== 'IN') continue;
    if (record.type === 'TXT') {
      if (values.length < MAX_RECORDS) values.push(Buffer.concat(record.data as Buffer[]).toString('latin1'));
    } else if (record.type === 'CAA') {
      const { flags = 0, tag, value } = record.data;
      values.push(`${flags} ${/^[a-z0-9]{1,15}$/i.test(tag) ? tag.toLowerCase() : '?'} ${value}`);
    } else if (record.type === 'A' || record.type === 'AAAA') {
      const address = canonicalIp(record.data);
      if (address !== undefined && values.length < MAX_ADDRESSES) values.push(address);
    }
  }
  return values;
}

/** RFC 8914, as a clause for people. */
export function extendedErrors(message: DnsMessage): string {
  for (const record of message.additionals ?? []) {
    if (record.type !== 'OPT') continue;
    const data = record.options.find(({ code }) => (code as number) === EXTENDED_ERROR)?.data;
    if (data !== undefined && data.length >= 2) return ` (extended error ${data.readUInt16BE(0)})`;
  }
  return '';
}
