/** All lints, and the two calls that run them. A finding of severity `error` means: not to be signed. */
import { type CrlLint, type Finding, type Lint, type Linted, type LintedCrl, runEach } from './lint.ts';

export type { CrlLint, Finding, Lint, Linted, LintedCrl };

export const allLints: readonly Lint[] = [];
export const allCrlLints: readonly CrlLint[] = [];

export const runLints = (linted: Linted): Finding[] => runEach(allLints, linted, linted.tbs.notBefore);
export const runCrlLints = (linted: LintedCrl): Finding[] => runEach(allCrlLints, linted, linted.crl.thisUpdate);
