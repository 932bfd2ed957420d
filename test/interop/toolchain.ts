// Programs from outside Debian, installed on demand beside the npm packages: by `go install`, by npm, and by pip into a virtual environment.
// Where a toolchain is missing, or its mirror does not have the version, the test that wanted it is skipped and says so.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { run } from '../support/processes.ts';
import { REPOSITORY } from '../support/world.ts';

const PLACE = join(REPOSITORY, 'node_modules/.cache/interop');
const PATIENCE_MS = 15 * 60_000;

/** Path of the program that the Go package of this exact version builds; undefined when the test was skipped. */
export async function fromGo(t: TestContext, packageAtVersion: string, program: string): Promise<string | undefined> {
  const bin = join(PLACE, packageAtVersion.replace(/[^\w.@-]/g, '_'));
  const path = join(bin, program);
  if (existsSync(path)) return path;
  return installing(t, program, path, () => run('go', ['install', packageAtVersion], { env: { GOBIN: bin, CGO_ENABLED: '0' }, timeoutMs: PATIENCE_MS }));
}

/** Path of a program of the Python package (`NAME==VERSION`), in an environment of its own; undefined when the test was skipped. */
export async function fromPip(t: TestContext, requirement: string, program: string): Promise<string | undefined> {
  const environment = join(PLACE, requirement);
  const path = join(environment, 'bin', program);
  if (existsSync(path)) return path;
  return installing(t, program, path, async () => {
    await run('python3', ['-m', 'venv', environment], { timeoutMs: PATIENCE_MS });
    await run(join(environment, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', requirement], { timeoutMs: PATIENCE_MS });
  });
}

/** A directory whose `node_modules` has these npm packages (`NAME@VERSION`), without their install scripts; undefined when the test was skipped. */
export async function fromNpm(t: TestContext, first: string, ...more: string[]): Promise<string | undefined> {
  const directory = join(PLACE, first.replace(/[^\w.@-]/g, '_'));
  const installed = join(directory, 'node_modules', first.slice(0, first.lastIndexOf('@')));
  if (existsSync(installed)) return directory;
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--no-package-lock'];
  const found = await installing(t, first, installed, async () => {
    mkdirSync(directory, { recursive: true });
    await run('npm', ['install', ...flags, '--prefix', directory, first, ...more], { timeoutMs: PATIENCE_MS });
  });
  return found === undefined ? undefined : directory;
}

async function installing(t: TestContext, program: string, path: string, install: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await install();
    return path;
  } catch (error) {
    const [, reason = String(error)] = /([^\n]+)\n*$/.exec((error as Error).message.trim()) ?? [];
    t.skip(`${program} could not be installed: ${reason.slice(0, 200)}`);
    return undefined;
  }
}
