/** The operator's own list of keys that nobody may use: known weak ones, keys of others, keys that were published. */
import { readFileSync } from 'node:fs';
import type { FaultsOf } from './fault.ts';

const MOST = 500_000;
const FAULTS_TOLD = 5;

/**
 * SHA-256 digests of SubjectPublicKeyInfos, lower-case hex. One to a line; `#` begins a comment.
 * @param whyUnreadable words for an error of the file system
 */
export function readBlockedKeys(path: string, faults: FaultsOf, whyUnreadable: (error: unknown) => string): ReadonlySet<string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    faults.add([], `${whyUnreadable(error)}; blockedKeys in ca.yaml names it`);
    return new Set();
  }
  const found = new Set<string>();
  let wrong = 0;
  for (const [at, line] of text.split('\n').entries()) {
    const digest = line.replace(/#.*$/, '').trim().toLowerCase();
    if (digest === '') continue;
    if (/^[0-9a-f]{64}$/.test(digest)) found.add(digest);
    else if (++wrong <= FAULTS_TOLD) faults.add([], `line ${at + 1} is not the SHA-256 of a public key (SubjectPublicKeyInfo) in 64 hexadecimal digits`);
  }
  if (wrong > FAULTS_TOLD) faults.add([], `and ${wrong - FAULTS_TOLD} more lines are not`);
  if (found.size > MOST) faults.add([], `has ${found.size} keys, more than ${MOST}`);
  return found;
}
