/**
 * Keeps SoftHSM's tokens whole. SoftHSM rewrites `token.object` at every login by emptying it first (2.6.1), so that a process that
 * is killed at that instant leaves a token without its keys, for good. Development tokens only: a real HSM knows better.
 */
import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * For each token below `directory`: keeps a copy of its `token.object` beside it, and puts it back when that was left empty. The copy
 * is as good as the file, for all that a login changes in it is a note on wrong PINs. Nobody may have the tokens open.
 */
export function mendSoftTokens(directory: string): void {
  if (!existsSync(directory)) return;
  for (const token of readdirSync(directory)) {
    const object = join(directory, token, 'token.object');
    const copy = join(directory, token, 'token.copy');
    if (isWhole(object)) {
      if (!isWhole(copy)) replace(copy, object);
    } else if (isWhole(copy)) replace(object, copy);
  }
}

const isWhole = (file: string): boolean => existsSync(file) && statSync(file).size > 0;

/** All or nothing: this process may be killed as well. */
function replace(file: string, by: string): void {
  copyFileSync(by, `${file}.new`);
  renameSync(`${file}.new`, file);
}
