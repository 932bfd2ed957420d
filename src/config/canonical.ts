/** A generation as one text: what its digest is of, and what may be shown of it. Neither holds a secret. */
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { withoutPassword } from './database-url.ts';
import type { Generation, NameRules } from './generation.ts';

type Undigested = Omit<Generation, 'canonical' | 'digest'>;

/** Members sorted, no white space: equal configurations have equal texts, whatever their files look like. */
export const canonicalOf = (generation: Undigested): string => JSON.stringify(sorted(decisive(generation)));

/** Lower-case hex SHA-256. */
export const digestOf = (canonical: string): string => createHash('sha256').update(canonical).digest('hex');

/** All that decides what may be issued and how it was proved; the same on every machine that runs this configuration. */
function decisive({ mode, realm, issuers, profiles, policies, directories, validation, ownCertificate }: Undigested) {
  return {
    mode, realm, profiles, directories, validation, ownCertificate,
    policies: new Map([...policies].map(([name, policy]) => [name, { ...policy, allow: plain(policy.allow), deny: plain(policy.deny) }])),
    issuers: new Map([...issuers].map(([id, { keyUri, certificates, root, ...issuer }]) =>
      [id, { ...issuer, key: keyUri.replace(/\?.*$/s, '') }])),
  };
}

/** Ranges as people write them, and only the rules that there are. */
const plain = ({ addresses, ...rules }: NameRules) =>
  Object.fromEntries(Object.entries({ ...rules, addresses: addresses.map(({ text }) => text) }).filter(([, list]) => Object.keys(list).length > 0));

/**
 * The whole generation as plain data for display and comparison, what belongs to one machine included:
 * passwords removed, paths as they are below the state directory.
 */
export function describe(generation: Undigested): Record<string, unknown> {
  const { listeners, database, fronts, signer, stateDirectory, issuers } = generation;
  const below = (path: string): string => {
    const inside = relative(stateDirectory, path);
    return inside.startsWith('..') ? path : inside;
  };
  const sqlite = /^sqlite:(.*)$/s.exec(database)?.[1];
  const files = Object.fromEntries([...issuers].map(([id, { certificates, root, keyUri }]) => {
    const pin = /[?&]pin-source=file:([^&]*)/.exec(keyUri)?.[1];
    return [id, { certificates: certificates.map(below), root: below(root), ...(pin === undefined ? {} : { pinSource: below(decodeURIComponent(pin)) }) }];
  }));
  return sorted({
    ...decisive(generation),
    machine: {
      listeners, fronts,
      database: sqlite === undefined ? withoutPassword(database) : `sqlite:${below(sqlite)}`,
      signer: { ...signer, socket: below(signer.socket), stateDirectory: below(signer.stateDirectory) },
      issuerFiles: files,
    },
  }) as Record<string, unknown>;
}

/** Plain data, maps as objects, members in order of their names. Lists keep their order: it may mean something. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members: [string, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(
    members.filter(([, member]) => member !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sorted(member)]),
  );
}
