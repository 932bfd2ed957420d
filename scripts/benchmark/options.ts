// What `npm run bench` can be told.
import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run bench -- [options]
  --clients 1,16,64        how many ACME clients at once, one run each
  --seconds 10             how long each run is measured, after a warm-up of a fifth of it
  --database sqlite        or postgres (a private cluster from the Debian package), or a postgres:// URL
  --parts flows,floors,issue,latency    what to measure; also hanging: the rate while 500 validations hang; crl: a million revoked; ocsp; names: orders with 100 names
  --json                   one JSON document instead of tables
another ACME server, driven the same way:
  --directory URL --ca FILE     its directory, and what its TLS certificate is judged by
  --beside                 measure ours too, in alternation with the other one
  --http01-port 5002       where the other server looks for http-01 proofs
  --domain-suffix localhost     names are RANDOM.SUFFIX
  --dns-port PORT          answer DNS there: every name is 127.0.0.1`;

const BY_DEFAULT = ['flows', 'floors', 'issue', 'latency'] as const;
const PARTS = [...BY_DEFAULT, 'hanging', 'crl', 'ocsp', 'names'] as const;
export type Part = (typeof PARTS)[number];

/** Another server to drive. */
export interface Peer {
  readonly directory: string;
  readonly ca: string;
  readonly http01Port: number;
  readonly domainSuffix: string;
  readonly dnsPort?: number;
}

export interface Options {
  readonly clients: readonly number[];
  readonly seconds: number;
  readonly database: string;
  readonly parts: ReadonlySet<Part>;
  readonly json: boolean;
  readonly peer?: Peer;
  readonly ours: boolean;
}

/** Throws with one sentence when something cannot be understood. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      clients: { type: 'string', default: '1,16,64' }, seconds: { type: 'string', default: '10' }, database: { type: 'string', default: 'sqlite' },
      parts: { type: 'string', default: BY_DEFAULT.join() }, json: { type: 'boolean', default: false }, beside: { type: 'boolean', default: false },
      directory: { type: 'string' }, ca: { type: 'string' }, 'http01-port': { type: 'string', default: '5002' },
      'domain-suffix': { type: 'string', default: 'localhost' }, 'dns-port': { type: 'string' },
    },
  });
  const number = (name: string, text: string): number => {
    const value = Number(text);
    if (!(value > 0)) throw new Error(`--${name}: "${text}" is not a positive number`);
    return value;
  };
  const parts = values.parts.split(',').map((word) => {
    const part = PARTS.find((each) => each === word);
    if (part === undefined) throw new Error(`--parts: "${word}" is none of ${PARTS.join(', ')}`);
    return part;
  });
  if ((values.directory === undefined) !== (values.ca === undefined)) throw new Error('--directory and --ca come together');
  const peer = values.directory !== undefined && values.ca !== undefined ? {
    directory: values.directory, ca: values.ca, http01Port: number('http01-port', values['http01-port']), domainSuffix: values['domain-suffix'],
    ...(values['dns-port'] === undefined ? {} : { dnsPort: number('dns-port', values['dns-port']) }),
  } : undefined;
  return {
    clients: values.clients.split(',').map((text) => number('clients', text)), seconds: number('seconds', values.seconds),
    database: values.database, parts: new Set(parts), json: values.json, ours: peer === undefined || values.beside, ...(peer === undefined ? {} : { peer }),
  };
}
