// The cryptography of one issuance as bare loops, in a process of its own whose processor time is nothing else. Prints JSON.
import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MECHANISMS } from '../../src/keys/mechanisms.ts';
import { KeyModule } from '../../src/keys/module.ts';
import { RefusedPins } from '../../src/keys/pin.ts';
import { makeToken, Workbench } from '../../src/keys/provision.ts';
import { Token } from '../../src/keys/token.ts';

/** Processor time in ms. */
export interface CryptoFloor {
  readonly es256Verify: number;
  readonly moduleSign: number;
}

const WARM_UP = 300;
const COUNT = 3000;
const LANES = 2;
const MESSAGE = Buffer.alloc(600, 'a'); // about as long as a JWS signing input, a TBSCertificate, a CSR

/** Mean processor time of one `act`, all threads of this process counted. */
async function costOf(act: () => unknown): Promise<number> {
  for (let i = 0; i < WARM_UP; i++) await act();
  const before = process.cpuUsage();
  for (let i = 0; i < COUNT; i++) await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / COUNT;
}

function verifyLoop(): () => void {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = (each: KeyObject) => ({ key: each, dsaEncoding: 'ieee-p1363' as const });
  const signature = sign('sha256', MESSAGE, key(privateKey));
  return () => { verify('sha256', MESSAGE, key(publicKey), signature); };
}

/** A token of its own, with one P-256 key, signed with as the signer does. */
function moduleLoop(directory: string, modulePath: string): () => Promise<unknown> {
  mkdirSync(join(directory, 'tokens'));
  process.env['SOFTHSM2_CONF'] = join(directory, 'softhsm2.conf');
  writeFileSync(process.env['SOFTHSM2_CONF'], `directories.tokendir = ${join(directory, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const pinFile = join(directory, 'pin');
  writeFileSync(pinFile, '1234', { mode: 0o600 });
  const module = new KeyModule(modulePath);
  module.initialise();
  makeToken(module, 'bench', '1234', '1234');
  module.initialise();
  const bench = new Workbench(module, 'bench', '1234');
  const spki = bench.generate('bench', Buffer.from([1]), 'p-256');
  bench[Symbol.dispose]();
  const uri = { token: 'bench', object: 'bench', id: '01', pinFile };
  const token = new Token(module, [{ id: 'bench', uri, spki, algorithm: 'ecdsa-sha256-p256' }], LANES, new RefusedPins(join(directory, 'refused')));
  const [lane] = token.lanes;
  const key = token.handle('bench');
  return () => lane?.sign(key, MECHANISMS['ecdsa-sha256-p256'], MESSAGE) ?? Promise.resolve();
}

const directory = mkdtempSync(join(tmpdir(), 'chancery-floor-'));
try {
  const es256Verify = await costOf(verifyLoop());
  const moduleSign = await costOf(moduleLoop(directory, process.argv[2] ?? ''));
  console.log(JSON.stringify({ es256Verify, moduleSign } satisfies CryptoFloor));
} finally {
  rmSync(directory, { recursive: true });
}
process.exit(); // a library that still has threads is not waited for
