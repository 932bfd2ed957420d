// `issue()` alone, without HTTP, ACME or validation: a front of its own, in this process, asked for certificates by 64 callers.
// usage: issue-loop.ts SECONDS CALLERS, with the environment of a front. Prints JSON.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadGeneration, places } from '../../src/cli/load.ts';
import { systemClock } from '../../src/clock.ts';
import { openFront } from '../../src/wiring/front.ts';

/** `perSecond` certificates, recorded and durable. */
export interface IssueRate {
  readonly perSecond: number;
  /** Processor time of the front per certificate, in ms; the signer is a process of its own. */
  readonly cpu: number;
}

const [seconds = 5, callers = 64] = process.argv.slice(2).map(Number);
const front = await openFront({
  generation: loadGeneration(process.env), configDirectory: places(process.env).config, environment: process.env, clock: systemClock,
});
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = publicKey.export({ type: 'spki', format: 'der' });

let issued = 0;
let running = true;
async function call(): Promise<void> {
  while (running) {
    const id = randomBytes(12).toString('hex');
    const outcome = await front.ca.issue({
      realm: 'default', door: 'bench', profile: 'server', names: [{ type: 'dns', value: `${id}.localhost` }], publicKey: spki,
      requester: { kind: 'bench', id: 'bench', policies: ['private-names'] }, requestRef: id, evidence: {},
    });
    if (outcome.kind === 'issued') issued++;
    else if (outcome.kind === 'refused') throw new Error(outcome.reasons.map(({ message }) => message).join('; '));
    else await sleep(outcome.retryAfterMs);
  }
}

const calls = Promise.all(Array.from({ length: callers }, call));
await Promise.race([calls, sleep(1000)]);
const [first, cpu, begun] = [issued, process.cpuUsage(), performance.now()];
await Promise.race([calls, sleep(seconds * 1000)]);
const count = issued - first;
const { user, system } = process.cpuUsage(cpu);
const result: IssueRate = { perSecond: count / ((performance.now() - begun) / 1000), cpu: (user + system) / 1000 / Math.max(1, count) };
running = false;
await calls;
await front[Symbol.asyncDispose]();
console.log(JSON.stringify(result));
