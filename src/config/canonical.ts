/** A generation as plain data: the text that its digest is of, and what may be shown of it. Neither holds a secret. */
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { withoutPassword } from './database-url.ts';
import type { Generation, NameRules } from './generation.ts';
import { durationText } from './values.ts';

type Undigested = Omit<Generation, 'canonical' | 'digest'>;
export type Plain = { readonly [name: string]: unknown };

/** Members sorted, no white space: equal configurations have equal texts, whatever their files look like. */
export const canonicalOf = (generation: Undigested): string => JSON.stringify(sorted(decisive(generation)));

/** Lower-case hex SHA-256. */
export const digestOf = (canonical: string): string => createHash('sha256').update(canonical).digest('hex');

/**
 * The whole generation for display and comparison, what belongs to one machine under `machine`: without passwords,
 * paths as they are below the state directory, durations as people write them.
 */
export function describe(generation: Undigested): Plain {
  const { listeners, database, retentionMs, fronts, sealingKey, signer, issuers } = generation;
  const below = belowOf(generation);
  const sqlite = /^sqlite:(.*)$/s.exec(database)?.[1];
  return readable(
    sorted({
      ...decisive(generation),
      machine: {
        listeners,
        fronts,
        retentionMs,
        database: sqlite === undefined ? withoutPassword(database) : `sqlite:${below(sqlite)}`,
        sealingKey: below(sealingKey),
        signer: { ...signer, socket: below(signer.socket), stateDirectory: below(signer.stateDirectory) },
        pinSources: new Map([...issuers.values()].map(({ id, keyUri }) => [id, below(pinSourceOf(keyUri))])),
      },
    }),
  ) as Plain;
}

/** All that decides what may be issued and how it was proved: the same on every machine with this configuration. */
function decisive(generation: Undigested) {
  const { mode, realm, issuers, profiles, policies, directories, blockedKeys, validation, revocation, ownCertificate } = generation;
  const below = belowOf(generation);
  return {
    mode,
    realm,
    profiles,
    directories,
    validation,
    revocation,
    ownCertificate,
    ...(blockedKeys.size === 0 ? {} : { blockedKeys: { keys: blockedKeys.size, sha256: digestOf([...blockedKeys].toSorted().join()) } }),
    policies: new Map(
      [...policies].map(([name, policy]) => [
        name,
        { ...policy, allow: plainRules(policy.allow), deny: plainRules(policy.deny) },
      ]),
    ),
    issuers: new Map(
      [...issuers].map(([id, { keyUri, certificates, root, rootCrl, alternates, ocsp, ...issuer }]) => [
        id,
        {
          ...issuer,
          key: keyUri.replace(/\?.*$/s, ''),
          certificates: certificates.map(below),
          root: below(root),
          alternates: alternates.map((chain) => ({ certificates: chain.certificates.map(below), root: below(chain.root) })),
          rootCrl: rootCrl && below(rootCrl),
          ocsp: ocsp && { ...ocsp, keyUri: ocsp.keyUri.replace(/\?.*$/s, ''), publicKey: below(ocsp.publicKey) },
        },
      ]),
    ),
  };
}

/** Where the state directory is says nothing about what is in it. */
const belowOf =
  ({ stateDirectory }: Undigested) =>
  (path: string): string => {
    const inside = relative(stateDirectory, path);
    return inside.startsWith('..') ? path : inside;
  };

const pinSourceOf = (keyUri: string): string =>
  decodeURIComponent(/[?&]pin-source=file:([^&]*)/.exec(keyUri)?.[1] ?? '');

/** Ranges as people write them, and only the rules that there are. */
const plainRules = ({ addresses, ...rules }: NameRules) =>
  Object.fromEntries(
    Object.entries({ ...rules, addresses: addresses.map(({ text }) => text) }).filter(
      ([, list]) => Object.keys(list).length > 0,
    ),
  );

/** Plain data, maps as objects, members in order of their names. Lists keep their order: it may mean something. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members: [string, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(
    members
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

/** `validityMs: 576000000` as `validity: "160h"`. */
function readable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) =>
      name.endsWith('Ms') && typeof member === 'number'
        ? [name.slice(0, -2), durationText(member)]
        : [name, readable(member)],
    ),
  );
}
