/** The ACME door over the real CA and a real database, on a loopback port, with a validator that says what a test wants. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import request from 'supertest';
import type { Clock } from '../../src/clock.ts';
import type { Directory, Generation } from '../../src/config/generation.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openNonces } from '../../src/database/nonces.ts';
import { openSeal } from '../../src/database/seal.ts';
import { type AcmeDoor, type AcmeDoorParts, createAcmeDoor } from '../../src/doors/acme/acme.ts';
import type { Operator } from '../../src/doors/acme/accounts/operate.ts';
import { createApp } from '../../src/http/app.ts';
import { clientAddressBehind } from '../../src/http/forwarded.ts';
import type { CaaQuestion, ValidationInput, ValidationProblem, ValidationResult } from '../../src/validation/index.ts';
import { AcmeClient, type KeyPair, newKey, type Transport } from './acme-client.ts';
import { openSoftwareCa, type SoftwareCa } from './software-ca.ts';

const CONFIG = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'ca-config');

export interface DoorLab extends AsyncDisposable {
  /** What the server calls itself; requests for it go to `port`. */
  readonly externalUrl: string;
  readonly directoryUrl: string;
  readonly port: number;
  readonly database: Database;
  readonly software: SoftwareCa;
  readonly acme: AcmeDoor;
  /** What the operator acts with. */
  readonly operator: Operator;
  readonly send: Transport;
  /** The clock of everything here: real time plus this. */
  skewMs: number;
  /** Answers validations; by default all succeed. */
  validate: (input: ValidationInput) => Promise<ValidationResult> | ValidationResult;
  readonly validations: ValidationInput[];
  /** Answers CAA; by default it allows everything. */
  checkCaa: (question: CaaQuestion) => Promise<ValidationResult> | ValidationResult;
  readonly caaQuestions: CaaQuestion[];
  generation: Generation;
  /** A client with a new account at the default directory. */
  client(key?: KeyPair): Promise<AcmeClient>;
  /** Another front over the same database. */
  front(frontId: string): Promise<{ acme: AcmeDoor; send: Transport; close(): Promise<void> }>;
}

export interface DoorLabOptions {
  readonly database?: string;
  /** Changes to the default directory. */
  readonly directory?: Partial<Directory>;
  readonly directories?: readonly (Partial<Directory> & { readonly name: string })[];
  readonly ca?: (software: SoftwareCa) => AcmeDoorParts['ca'];
}

export const SUCCESS: ValidationResult = { ok: true, evidence: { type: 'http-01', at: 0, ms: 1 } };
export const failure = (
  problem: ValidationProblem, detail: string, transient = false,
): ValidationResult => ({ ok: false, transient, problem, detail, evidence: { type: 'http-01', at: 0, ms: 1 } });

/** Takes up the attempts that are due and waits until their tries are over; how many there were. */
export async function resumed(acme: AcmeDoor): Promise<number> {
  const { taken, over } = await acme.resumeAttempts();
  await over;
  return taken;
}

export async function openDoorLab(options: DoorLabOptions = {}): Promise<DoorLab> {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'chancery-door-'));
  const database = await openDatabase(options.database ?? `sqlite:${join(stateDirectory, 'door.db')}`);
  await migrate(database);
  let skewMs = 0;
  const clock: Clock = { now: () => Date.now() + skewMs };
  let current = configure(stateDirectory, options);
  const seal = openSeal(join(stateDirectory, 'sealing.key'));
  const software = openSoftwareCa({ database, clock, generation: () => current });
  const doors: AsyncDisposable[] = [];
  const closers: (() => Promise<void>)[] = [];

  const front = async (frontId: string) => {
    const nonces = await openNonces(database, clock);
    const acme = createAcmeDoor({
      ca: options.ca?.(software) ?? software.ca, database, nonces, clock, frontId, random: (octets) => randomBytes(octets), seal, generation: () => current,
      validator: {
        async validate(input) {
          lab.validations.push(input);
          return lab.validate(input);
        },
        async checkCaa(question) {
          lab.caaQuestions.push(question);
          return lab.checkCaa(question);
        },
      },
    });
    const server = createServer(createApp({
      doors: [acme.door], random: (octets) => randomBytes(octets), clientAddress: (...given) => clientAddressBehind(current.trustedProxies)(...given),
    }));
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    doors.push(acme);
    const close = async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => { server.close(() => resolve()); });
      nonces[Symbol.dispose]();
    };
    closers.push(close);
    const { port } = server.address() as AddressInfo;
    return { acme, port, close, send: transportTo(port) };
  };

  const lab: DoorLab = {
    externalUrl: 'https://ca.test', directoryUrl: 'https://ca.test/acme/directory', port: 0, database, software,
    operator: { database, seal, clock, random: (octets) => randomBytes(octets), realm: current.realm, by: 'test' },
    acme: undefined as unknown as AcmeDoor, send: undefined as unknown as Transport, validate: () => SUCCESS, validations: [],
    checkCaa: () => SUCCESS, caaQuestions: [],
    get skewMs() { return skewMs; },
    set skewMs(ms) { skewMs = ms; },
    get generation() { return current; },
    set generation(next) { current = next; },
    client: (key = newKey()) => AcmeClient.registered(lab.send, lab.directoryUrl, key),
    front,
    async [Symbol.asyncDispose]() {
      for (const door of doors) await door[Symbol.asyncDispose]();
      for (const close of closers) await close();
      await database[Symbol.asyncDispose]();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
  const { acme, port, send } = await front('front-1');
  return Object.assign(lab, { acme, port, send });
}

/** The shipped configuration, speaking for https://ca.test. */
function configure(stateDirectory: string, { directory = {}, directories = [] }: DoorLabOptions): Generation {
  const loaded = loadConfig(CONFIG, stateDirectory);
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  const { generation } = loaded;
  const given = generation.directories.get('default') as Directory;
  const base: Directory = { ...given, externalUrl: 'https://ca.test', ...directory };
  const others = directories.map((other): [string, Directory] => [other.name, { ...base, path: `/acme/d/${other.name}`, ...other }]);
  return { ...generation, directories: new Map([['default', base], ...others]) };
}

/** Sends to a loopback port, by supertest, what is meant for any host. */
export function transportTo(port: number): Transport {
  const agent = request(`http://127.0.0.1:${port}`);
  return async ({ method, url, headers = {}, body }) => {
    const { pathname, search } = new URL(url);
    const test = agent[method.toLowerCase() as 'get'](`${pathname}${search}`)
      .redirects(0).ok(() => true).buffer(true)
      .parse((response, done) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => done(null, Buffer.concat(chunks)));
      });
    void test.set(headers as Record<string, string>);
    if (body !== undefined) {
      // superagent would make JSON of what it knows, and sends bytes as they are
      void test.serialize((given: unknown) => given as string);
      void test.send(body as string);
    }
    const response = await test;
    const text = Buffer.isBuffer(response.body) ? response.body.toString('utf8') : (response.text ?? '');
    const type = String(response.headers['content-type'] ?? '');
    return { status: response.status, headers: response.headers as Record<string, string>, text, json: type.includes('json') && text !== '' ? JSON.parse(text) : {} };
  };
}
