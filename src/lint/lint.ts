/**
 * What a lint is, and how lints are run: in the front before an intent is recorded, and again in the signer before a
 * signature. A lint is pure. One file each, under the name that pkilint or zlint knows it by, if either does.
 */
import type { Tbs } from '../x509/certificate.ts';
import type { CrlTbs } from '../x509/crl.ts';
import { DerError } from '../x509/der.ts';
import type { CertificateShape, IssuerShape } from '../x509/shape.ts';

/** A TBS beside the descriptions that it claims to follow. */
export interface Linted {
  readonly tbs: Tbs;
  readonly shape: CertificateShape;
  readonly issuer: IssuerShape;
}

/** A TBSCertList beside the issuer and the shard that it claims to be of. */
export interface LintedCrl {
  readonly crl: CrlTbs;
  readonly issuer: IssuerShape;
  readonly shard: number;
}

/** One rule of one severity: what a MUST forbids is an error, what a SHOULD advises against a warning. */
export interface Lint<Subject = Linted> {
  /** Upstream's code where there is one; ours begin with `x.`. */
  readonly name: string;
  readonly severity: 'error' | 'warning';
  readonly cites: string;
  /** Certificates with an earlier notBefore (CRLs: thisUpdate) are not held to it; milliseconds. */
  readonly since?: number;
  applies(subject: Subject): boolean;
  /** What is wrong, in a clause; undefined when nothing is. */
  fault(subject: Subject): string | undefined;
}

export type CrlLint = Lint<LintedCrl>;

export interface Finding {
  readonly lint: string;
  readonly severity: 'error' | 'warning';
  readonly detail: string;
}

/**
 * Every finding, in the order of the lints. What cannot be read fails the lint that wanted to read it: nothing passes
 * unread. `at` is when the subject begins, milliseconds.
 */
export function runEach<Subject>(lints: readonly Lint<Subject>[], subject: Subject, at: number): Finding[] {
  const findings: Finding[] = [];
  for (const lint of lints) {
    if (lint.since !== undefined && at < lint.since) continue;
    try {
      const detail = lint.applies(subject) ? lint.fault(subject) : undefined;
      if (detail !== undefined) findings.push({ lint: lint.name, severity: lint.severity, detail });
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      findings.push({ lint: lint.name, severity: 'error', detail: `it cannot be read: ${error.message}` });
    }
  }
  return findings;
}
