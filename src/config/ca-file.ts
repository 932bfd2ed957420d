/** ca-config/ca.yaml: where the server listens, what it keeps, which doors are open and how proofs are checked. */
import { z } from 'zod';
import type { FaultsOf } from './fault.ts';
import type { Listen } from './generation.ts';
import { either, mapping, parsed, type Read } from './schema.ts';
import {
  address,
  dnsName,
  duration,
  durationText,
  listen,
  overlap,
  range,
  resolver,
  simpleName,
  statePath,
} from './values.ts';
import { databaseUrl } from './database-url.ts';
import { checkRevocation, revocation } from './revocation-entry.ts';
import { ownName } from './own-name.ts';

const DAY_MS = 86_400_000;
const port = z.int().min(1).max(65_535);

/** Suffixes that have no public zone: RFC 6761, 6762, 8375, 7686, and those that ICANN has said it will never delegate. */
const PRIVATE_ZONES = [
  'localhost', 'local', 'test', 'example', 'invalid', 'onion', 'home.arpa', 'internal', 'intranet', 'private', 'corp', 'home', 'mail', 'lan',
];

export const caKeys = {
  /** `production` refuses what only development may have, and says why. */
  mode: z.enum(['development', 'production']),
  /** One tenant: its issuers, accounts, policies and records. */
  realm: parsed(simpleName).prefault('default'),
  listeners: mapping({
    acme: parsed(listen).prefault('127.0.0.1:8443'),
    status: parsed(listen).prefault('127.0.0.1:8080'),
    metrics: parsed(listen).prefault('127.0.0.1:9080'),
    est: parsed(listen).optional(),
    admin: parsed(listen).optional(),
  }).prefault({}),
  /** Reverse proxies that say in `X-Forwarded-For` who asks. */
  trustedProxies: z.array(parsed(range)).default([]),
  /** `sqlite:FILE` or `postgres://…`; CHANCERY_DATABASE replaces it. */
  database: parsed(databaseUrl).prefault('sqlite:chancery.db'),
  /** How long certificates, and what led to them, stay in the database after they have expired. */
  retention: parsed(duration).prefault('90d'),
  /** Front processes on this machine. */
  fronts: either([z.literal('auto'), z.int().min(1).max(256)], 'neither auto nor a number from 1 to 256').default(
    'auto',
  ),
  /** The file with the key under which secrets in the database are sealed. */
  sealingKey: parsed(statePath).prefault('sealing.key'),
  signer: mapping({
    id: z.int().min(1).max(127).default(1),
    socket: parsed(statePath).prefault('signer/signer.sock'),
    stateDirectory: parsed(statePath).prefault('signer'),
    module: either(
      [z.array(z.string().min(1)).min(1), z.string().min(1)],
      'neither the path of a PKCS#11 module nor a list of them',
    ),
    lanes: z.int().min(1).max(256).optional(),
    callDeadline: parsed(duration).prefault('3s'),
    queue: z.int().min(1).max(100_000).default(1024),
  }),
  /** By name; each entry is read by itself, with `directoryKeys`. */
  directories: z.record(z.string(), z.unknown()),
  validation: mapping({
    http01Port: port.default(5002),
    tlsAlpn01Port: port.default(5001),
    redirectPorts: z.array(port).default([80, 443]),
    resolvers: either(
      [z.literal('system'), z.array(parsed(resolver)).min(1)],
      'neither system nor a list of addresses',
    ).default('system'),
    zoneResolvers: z.record(z.string(), z.array(parsed(resolver)).min(1)).default({}),
    hosts: z.record(z.string(), z.array(parsed(address)).min(1)).default({}),
    allow: z.array(parsed(range)).min(1),
    deny: z.array(parsed(range)).default([]),
    loopback: z.boolean().default(false),
    connectTimeout: parsed(duration).prefault('5s'),
    totalTimeout: parsed(duration).prefault('10s'),
    privateZones: z.array(parsed(dnsName)).default([...PRIVATE_ZONES]),
    attempts: z.int().min(1).max(10).default(3),
    attemptSpacing: parsed(duration).prefault('5s'),
  }),
  /** A file beside ca.yaml. */
  blockedKeys: z.string().min(1).optional(),
  /** CRLs. */
  revocation,
  ownCertificate: mapping({
    profile: parsed(simpleName).prefault('self'),
    names: z.array(parsed(ownName)).default([]),
  }).prefault({}),
} as const;

/** The rules between keys of ca.yaml; references to other files are checked elsewhere. */
export function checkCa(file: Read<typeof caKeys>, faults: FaultsOf): void {
  const { listeners, trustedProxies, validation, database, fronts, signer, retention } = file;
  if (listeners !== undefined) checkPorts(listeners, validation, faults);
  for (const [index, { text, prefix }] of (trustedProxies ?? []).entries()) {
    if (prefix === 0) faults.add(['trustedProxies', index], `${text} is everybody: then anybody could say to be anybody. Write the addresses of the proxies`);
  }
  if (typeof fronts === 'number' && fronts > 1 && database?.engine === 'sqlite') {
    faults.add(['fronts'], `${fronts} fronts need PostgreSQL: set database to postgres://…, or fronts to 1`);
  }
  checkRevocation(file.revocation, faults);
  // A proof may be used again for 10 days, and a restore looks back at what was issued lately.
  if (retention !== undefined && retention < 30 * DAY_MS) faults.add(['retention'], `${durationText(retention)} is less than 30d`);
  if (signer !== undefined && signer.callDeadline > 60_000)
    faults.add(['signer', 'callDeadline'], `${durationText(signer.callDeadline)} is more than 1m`);
  if (validation === undefined) return;
  if (validation.connectTimeout > validation.totalTimeout) {
    faults.add(
      ['validation', 'connectTimeout'],
      `${durationText(validation.connectTimeout)} is more than totalTimeout ${durationText(validation.totalTimeout)}`,
    );
  }
  for (const [at, allowed] of validation.allow.entries()) {
    const never = NEVER_DIALLED.find(
      ({ text }) => overlap(range(text), allowed) && range(text).prefix <= allowed.prefix,
    );
    if (never !== undefined) faults.add(['validation', 'allow', at], `${allowed.text} is never dialled: ${never.why}`);
  }
  for (const key of ['zoneResolvers', 'hosts'] as const) {
    for (const name of Object.keys(validation[key])) {
      const path = ['validation', key, name];
      try {
        if (dnsName(name) !== name) faults.add(path, 'is not in lower case');
      } catch (error) {
        faults.add(path, (error as Error).message);
      }
    }
  }
}

/** Ranges that no configuration opens (acme.md SF-1); loopback has a switch of its own. */
const NEVER_DIALLED = [
  { text: '0.0.0.0/8', why: 'it means this host' },
  { text: '127.0.0.0/8', why: 'for loopback addresses set loopback: true, in development' },
  { text: '::1/128', why: 'for loopback addresses set loopback: true, in development' },
  { text: '169.254.0.0/16', why: 'link-local addresses include cloud metadata' },
  { text: 'fe80::/10', why: 'link-local addresses belong to no host in particular' },
  { text: '224.0.0.0/4', why: 'it is multicast' },
  { text: 'ff00::/8', why: 'it is multicast' },
  { text: '255.255.255.255/32', why: 'it is broadcast' },
];

/** Two listeners on one port cannot both start; and a server that validates its own listener would believe itself. */
function checkPorts(
  listeners: NonNullable<Read<typeof caKeys>['listeners']>,
  validation: Read<typeof caKeys>['validation'],
  faults: FaultsOf,
): void {
  const taken: { readonly name: string; readonly at: Listen }[] = [];
  for (const [name, at] of Object.entries(listeners) as [string, Listen | undefined][]) {
    if (at === undefined) continue;
    const clash = taken.find((other) => clashes(other.at, at));
    if (clash !== undefined)
      faults.add(['listeners', name], `port ${at.port} is already taken by listeners.${clash.name}`);
    taken.push({ name, at });
  }
  if (!validation?.loopback) return;
  for (const key of ['http01Port', 'tlsAlpn01Port'] as const) {
    const own = taken.find(({ at }) => at.port === validation[key]);
    if (own !== undefined)
      faults.add(
        ['validation', key],
        `${validation[key]} is the port of listeners.${own.name}: the server would validate against itself`,
      );
  }
}

const EVERYWHERE = ['0.0.0.0', '::'];
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const clashes = (a: Listen, b: Listen): boolean =>
  a.port !== 0 &&
  a.port === b.port &&
  (a.host === b.host ||
    EVERYWHERE.includes(a.host) ||
    EVERYWHERE.includes(b.host) ||
    (LOOPBACK.includes(a.host) && LOOPBACK.includes(b.host)));
