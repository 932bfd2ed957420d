/**
 * A signer's processes for tests: `node test/support/signer-process.ts worker|supervisor CONFIG.json`.
 * Where the environment has STOPPABLE, a file `stop` in the state directory, holding `POINT kill` or `POINT wait`, stops the
 * worker at that point, once.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Point } from '../../src/signing/desk.ts';
import { runSupervisor } from '../../src/signing/supervisor.ts';
import { runWorker, type SignerConfig } from '../../src/signing/worker.ts';
import type { NameConstraints } from '../../src/x509/name-constraints.ts';
import { issuerShapeOf } from '../../src/x509/ca-certificate.ts';
import type { SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import type { CertificateShape } from '../../src/x509/shape.ts';

/** SignerConfig with the CA certificate in place of what is read from it. */
export interface SignerFile extends Omit<SignerConfig, 'keys'> {
  readonly keys: readonly {
    readonly id: string;
    /** Base64 DER. */
    readonly certificate: string;
    readonly algorithm: SignatureAlgorithm;
    readonly uri: string;
    readonly profiles: readonly CertificateShape[];
    readonly permittedNames?: NameConstraints;
    readonly ratePerSecond: number;
  }[];
}

export const ISSUER_URLS = { shards: 4, crlUrl: 'http://crl.test/ca', caIssuersUrl: 'http://crl.test/ca.cer' } as const;

export function signerConfigOf(file: SignerFile): SignerConfig {
  return {
    ...file,
    keys: file.keys.map(({ id, certificate, algorithm, ...key }) => ({
      issuer: issuerShapeOf(Buffer.from(certificate, 'base64'), { id, ...ISSUER_URLS, algorithm }),
      ...key,
    })),
  };
}

function stopper(stateDirectory: string): (point: Point) => Promise<void> | void {
  const file = join(stateDirectory, 'stop');
  return (point) => {
    if (!existsSync(file)) return undefined;
    const [where, how] = readFileSync(file, 'utf8').split(' ');
    if (where !== point) return undefined;
    rmSync(file);
    writeFileSync(join(stateDirectory, 'stopped'), point);
    if (how === 'kill') process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  };
}

if (import.meta.main) {
  const [role, path = ''] = process.argv.slice(2);
  const config = signerConfigOf(JSON.parse(readFileSync(path, 'utf8')) as SignerFile);
  const { stateDirectory } = config;
  const hooks = process.env['STOPPABLE'] === undefined ? {} : { at: stopper(stateDirectory) };
  if (role === 'worker') await runWorker(config, hooks);
  else {
    const workerArgv = [fileURLToPath(import.meta.url), 'worker', path];
    const { lanes = 2, callDeadlineMs = 3000 } = config;
    const supervisor = await runSupervisor({ workerArgv, stateDirectory, lanes, callDeadlineMs });
    process.on('SIGTERM', () => void supervisor[Symbol.asyncDispose]().then(() => process.exit(0)));
  }
}
