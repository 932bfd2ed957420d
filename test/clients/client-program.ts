/** Programs of other people, from their Debian packages: missed with one sentence, run with nothing around them that could mislead them. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from '../support/processes.ts';

/** Runs to the end and gives back what was printed; rejects with it when the exit code is not `exit` (default 0). */
export type ClientProgram = (args: readonly string[], options?: { readonly exit?: number }) => Promise<string>;

export interface ProgramOptions {
  /** Where it runs, and its HOME: nothing of the user's own configuration is read or written. */
  readonly home: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** The Debian package that brings it, when that is not its name. */
  readonly debianPackage?: string;
  /** Words put before the command, for another program to start it. */
  readonly through?: readonly string[];
}

/** Throws when the program is not installed: a client that was not tried is a failed test, not a skipped one. */
export function clientProgram(command: string, options: ProgramOptions): ClientProgram {
  const path = installed(command, options.debianPackage);
  const [first = path, ...rest] = [...(options.through ?? []), path];
  const env = {
    // The Internet may lie behind a proxy; loopback never does.
    HOME: options.home, LC_ALL: 'C.UTF-8', no_proxy: '*', NO_PROXY: '*', ...options.environment,
  };
  return (args, expected) => run(first, [...rest, ...args], { cwd: options.home, env, timeoutMs: 45_000, ...expected });
}

/** The program's path. Throws a sentence with the package to install. */
export function installed(command: string, debianPackage = command): string {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // it is in a later directory, or nowhere
    }
  }
  throw new Error(`${command} is not installed; under Debian: apt-get install ${debianPackage}`);
}
