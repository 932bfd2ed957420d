/** ca-config/policy/NAME.yaml: which names may be had by those whom a directory, account or identity binds to it. */
import { z } from 'zod';
import type { FaultsOf } from './fault.ts';
import { shown } from './fault.ts';
import type { NameRules, Policy } from './generation.ts';
import { type Complete, mapping, parsed, type Read, Unfit } from './schema.ts';
import { dnsName, dnsNameOrWildcard, range, simpleName, uriPattern } from './values.ts';

const subjectPattern = parsed((text) => {
  if (text !== '' && text.length <= 64) return text;
  throw new Unfit(`${shown(text)} is not a pattern of at most 64 characters`);
});

const requester = parsed((text) => {
  if (/^[a-z0-9-]+:\S+$/.test(text)) return text;
  throw new Unfit(`${shown(text)} is not like acme-account:ID or acme-account:*`);
});

const rules = mapping({
  /** Exactly these DNS names; `*.x` is that one wildcard. */
  names: z.array(parsed(dnsNameOrWildcard)).optional(),
  /** The DNS name itself and all below it; no wildcards. */
  suffixes: z.array(parsed(dnsName)).optional(),
  /** `*.x` for x itself and all below it. */
  wildcards: z.array(parsed(dnsName)).optional(),
  /** CIDR ranges or single addresses. */
  addresses: z.array(parsed(range)).optional(),
  /** URI patterns: `*` one path segment, a last `**` one or more. */
  uris: z.array(parsed(uriPattern)).optional(),
  /** Values of subject attributes; `*` is any run of characters. */
  subject: mapping({
    serialNumber: z.array(subjectPattern).optional(),
    commonName: z.array(subjectPattern).optional(),
  }).optional(),
});

export const policyKeys = {
  description: z.string().min(1).max(200),
  /** Profiles that it speaks about; all when absent. */
  profiles: z.array(parsed(simpleName)).min(1).optional(),
  /** Requesters that it speaks about; all when absent. */
  requesters: z.array(requester).min(1).optional(),
  /** One of the policies that bind must allow a name… */
  allow: rules.prefault({}),
  /** …and none may deny it. */
  deny: rules.prefault({}),
} as const;

/** The rules between keys: what is allowed and denied in the same words can only be a mistake. */
export function checkPolicy(file: Read<typeof policyKeys>, faults: FaultsOf): void {
  const { allow, deny } = file;
  if (allow === undefined || deny === undefined) return;
  for (const key of ['names', 'suffixes', 'wildcards', 'uris'] as const) {
    allow[key]?.forEach((entry, at) => {
      if (deny[key]?.includes(entry))
        faults.add(['allow', key, at], `"${entry}" is denied below in the same words: remove one of the two`);
    });
  }
  if (
    [allow, deny].every((side) =>
      Object.values(side).every((list) => list === undefined || Object.keys(list).length === 0),
    )
  ) {
    faults.add([], 'neither allows nor denies anything');
  }
}

export function policyOf(name: string, file: Complete<typeof policyKeys>): Policy {
  return {
    name,
    description: file.description,
    ...(file.profiles === undefined ? {} : { profiles: file.profiles }),
    ...(file.requesters === undefined ? {} : { requesters: file.requesters }),
    allow: rulesOf(file.allow),
    deny: rulesOf(file.deny),
  };
}

export function rulesOf(side: z.output<typeof rules>): NameRules {
  const { names = [], suffixes = [], wildcards = [], addresses = [], uris = [], subject } = side;
  return {
    names,
    suffixes,
    wildcards,
    addresses,
    uris,
    subject: {
      ...(subject?.serialNumber === undefined ? {} : { serialNumber: subject.serialNumber }),
      ...(subject?.commonName === undefined ? {} : { commonName: subject.commonName }),
    },
  };
}
