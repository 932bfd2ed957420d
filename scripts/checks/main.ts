// Runs the checks and then the tests; the last line is `N passed, N failed`.
// usage: scripts/check                      everything
//        scripts/check types biome …        only these steps (`tests` is one)
//        scripts/check test/x509/der.test.ts …   only these test files
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStep, STEPS, type StepName } from './steps.ts';

const TEST_TIMEOUT_MS = 10 * 60_000; // of one test; those that should be quicker say so themselves
const CORES = availableParallelism();

interface Result {
  readonly passed: number;
  readonly failed: number;
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs node with the arguments; the output is given back, or shown at once when `live`. */
async function run(args: readonly string[], live = false): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, args, { stdio: live ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => { output += bytes.toString(); });
  const code = await new Promise<number>((resolve) => { child.once('close', (status) => resolve(status ?? 1)); });
  return { code, output };
}

async function check(name: StepName): Promise<Result> {
  const start = performance.now();
  const { code, output } = await run(STEPS[name]);
  console.log(`${code === 0 ? '✔' : '✖'} ${name} (${seconds(start)})`);
  if (code !== 0) console.log(output.trimEnd());
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
}

/** Several steps at a time, one per core. */
async function checks(names: readonly StepName[]): Promise<Result[]> {
  const waiting = [...names];
  const results: Result[] = [];
  const lane = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) results.push(await check(name));
  };
  await Promise.all(Array.from({ length: CORES }, lane));
  return results;
}

/** Runs the test files, or all of them, and counts; no test at all is a failure. */
async function tests(files: readonly string[]): Promise<Result> {
  const start = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'chancery-check-'));
  try {
    const counts = join(directory, 'counts.json');
    const { code } = await run([
      '--test', `--test-concurrency=${Math.max(2, CORES)}`, `--test-timeout=${TEST_TIMEOUT_MS}`,
      '--test-reporter=spec', '--test-reporter-destination=stdout',
      '--test-reporter=./scripts/checks/count.ts', `--test-reporter-destination=${counts}`,
      ...(files.length > 0 ? files : ['test/**/*.test.ts']),
    ], true);
    const { passed, failed, skipped } = readCounts(counts);
    console.log(`tests: ${seconds(start)}${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    if (passed + failed === 0) console.log('no test ran');
    return { passed, failed: failed > 0 ? failed : code === 0 && passed > 0 ? 0 : 1 };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function readCounts(file: string): Result & { skipped: number } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Result & { skipped: number };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }; // the runner itself broke, and said why
  }
}

const words = process.argv.slice(2);
const all = words.length === 0;
const steps = all ? (Object.keys(STEPS) as StepName[]) : words.filter(isStep);
const files = words.filter((word) => !isStep(word) && word !== 'tests');
const results = await checks(steps);
if (all || words.includes('tests') || files.length > 0) results.push(await tests(files));

const total = (kind: keyof Result): number => results.reduce((sum, result) => sum + result[kind], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = total('failed') > 0 ? 1 : 0;
