/** A throw-away copy of ca-config/ with changes, as an operator would make them. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultLine } from '../../src/config/fault.ts';
import type { Generation } from '../../src/config/generation.ts';
import { type Environment, loadConfig } from '../../src/config/load.ts';

export const SHIPPED = new URL('../../ca-config', import.meta.url).pathname;

/** By file: a new text, or pairs of what to replace and by what; null deletes it. */
export type Changes = Readonly<Record<string, string | null | readonly (readonly [string | RegExp, string])[]>>;

export class ConfigDirectory implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'chancery-config-'));
  readonly path = join(this.#root, 'ca-config');

  constructor(changes: Changes = {}) {
    cpSync(SHIPPED, this.path, { recursive: true });
    for (const [file, change] of Object.entries(changes)) this.change(file, change);
  }

  change(file: string, change: Changes[string]): void {
    const path = join(this.path, file);
    if (change === null) rmSync(path, { recursive: true });
    else
      writeFileSync(path, typeof change === 'string' ? change : change.reduce(replaceOnce, readFileSync(path, 'utf8')));
  }

  /** The faults, one line each, with `ca-config/…` for the path. */
  faults(environment: Environment = {}): string[] {
    const loaded = loadConfig(this.path, '/var/lib/chancery', environment);
    return 'faults' in loaded ? loaded.faults.map((fault) => faultLine(fault).replaceAll(`${this.#root}/`, '')) : [];
  }

  /** The generation; throws with the faults when there are any. */
  load(environment: Environment = {}, stateDirectory = '/var/lib/chancery'): Generation {
    const loaded = loadConfig(this.path, stateDirectory, environment);
    if ('faults' in loaded) throw new Error(loaded.faults.map(faultLine).join('\n'));
    return loaded.generation;
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

function replaceOnce(text: string, [from, to]: readonly [string | RegExp, string]): string {
  const replaced = text.replace(from, to);
  if (replaced === text) throw new Error(`the shipped file has nothing like ${from}`);
  return replaced;
}
