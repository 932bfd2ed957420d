// Programs from outside Debian, installed on demand beside the npm packages: by `go install` and by pip into a virtual environment.
// Where a toolchain is missing, or its mirror does not have the version, the test that wanted it is skipped and says so.
import { existsSync } from 'node:fs';
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
