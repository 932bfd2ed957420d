/**
 * A whole Chancery for tests: its own configuration, state, ports and processes, the ones a user has. Fronts and signer are
 * processes of their own, so that a test can kill any of them. The development ceremony runs once for all worlds of a test file.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePorts, type Started, start, until } from './processes.ts';

export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const MAIN = join(REPOSITORY, 'src/main.ts');

export interface WorldOptions {
  readonly database?: string;
  /** How many fronts to start; each has listeners of its own, all speak for the same external URL. */
  readonly fronts?: number;
  readonly signerEnvironment?: NodeJS.ProcessEnv;
  readonly frontEnvironment?: NodeJS.ProcessEnv;
  /** What follows `chancery serve`, given the ports of the front. */
  readonly frontArguments?: (ports: FrontPorts) => readonly string[];
  /** Changes the parsed ca.yaml before it is written. */
  readonly configure?: (ca: CaYaml) => void;
  /** Changes the parsed issuers/development.yaml before it is written. */
  readonly configureIssuer?: (issuer: Record<string, unknown>) => void;
  /** `false`: make configuration and keys, start nothing. */
  readonly started?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a test changes whatever key it likes; the loader under test judges it
export type CaYaml = any;

export interface FrontPorts {
  readonly acme: number;
  readonly status: number;
  readonly metrics: number;
}

export class World implements AsyncDisposable {
  readonly directory: string;
  readonly state: string;
  readonly ports: readonly FrontPorts[];
  readonly http01Port: number;
  readonly tlsAlpn01Port: number;
  readonly database: string;
  readonly fronts: (Started | undefined)[] = [];
  signer: Started | undefined;
  readonly #options: WorldOptions;

  private constructor(directory: string, ports: readonly FrontPorts[], http01Port: number, tlsAlpn01Port: number, options: WorldOptions) {
    this.directory = directory;
    this.state = join(directory, 'state');
    this.ports = ports;
    this.http01Port = http01Port;
    this.tlsAlpn01Port = tlsAlpn01Port;
    this.database = options.database ?? `sqlite:${join(this.state, 'chancery.db')}`;
    this.#options = options;
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const count = options.fronts ?? 1;
    const free = await freePorts(2 + 3 * count);
    const ports = Array.from({ length: count }, (_, index) => {
      const [acme = 0, status = 0, metrics = 0] = free.slice(2 + 3 * index);
      return { acme, status, metrics };
    });
    const world = new World(mkdtempSync(join(tmpdir(), 'chancery-')), ports, free[0] as number, free[1] as number, options);
    try {
      world.#writeConfiguration();
      await ceremony(world.state);
      if (options.started !== false) {
        await world.startSigner();
        await Promise.all(ports.map((_, index) => world.startFront(index)));
      }
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  get directoryUrl(): string {
    return `https://localhost:${this.ports[0]?.acme}/acme/directory`;
  }
  get stagingUrl(): string {
    return `https://localhost:${this.ports[0]?.acme}/acme/d/staging/directory`;
  }
  get rootFile(): string {
    return join(this.state, 'public/root.pem');
  }
  configuration(front = 0): string {
    return join(this.directory, `config-${front}`);
  }
  environment(front = 0): NodeJS.ProcessEnv {
    return {
      CHANCERY_CONFIG: this.configuration(front), CHANCERY_STATE: this.state, CHANCERY_DATABASE: this.database,
      SOFTHSM2_CONF: join(this.state, 'softhsm2.conf'), NODE_NO_WARNINGS: '1',
    };
  }

  async startSigner(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    this.signer = start(process.execPath, [MAIN, 'signer'], {
      env: { ...this.environment(), ...this.#options.signerEnvironment, ...environment },
    });
  }

  /** Resolves when the front says it is ready; `ready: false` returns at once. */
  async startFront(index = 0, environment: NodeJS.ProcessEnv = {}, wait: { ready: boolean } = { ready: true }): Promise<void> {
    const front = start(process.execPath, [MAIN, 'serve', ...(this.#options.frontArguments?.(this.ports[index] as FrontPorts) ?? [])], {
      env: { ...this.environment(index), ...this.#options.frontEnvironment, ...environment },
    });
    this.fronts[index] = front;
    if (!wait.ready) return;
    let ended: number | string | undefined;
    void front.ended.then((code) => { ended = code; });
    try {
      await until('front is ready', async () => {
        if (ended !== undefined) throw new Error(`the front ended with ${ended}`);
        return (await this.statusOf('/readyz', index)) === 200;
      }, 30_000);
    } catch (error) {
      throw new Error(`${(error as Error).message}\nfront:\n${front.output()}\nsigner:\n${this.signer?.output()}`);
    }
  }

  /** Status code of a GET on the status listener; 0 when there is no answer. */
  statusOf(path: string, front = 0): Promise<number> {
    return new Promise((resolve) => {
      request({ host: '127.0.0.1', port: this.ports[front]?.status, path, timeout: 2000 }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).on('error', () => resolve(0)).end();
    });
  }

  /** Body of a GET on the status or metrics listener. */
  fetchFrom(listener: 'status' | 'metrics', path: string, front = 0): Promise<{ status: number; body: Buffer }> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.ports[front]?.[listener], path, timeout: 5000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      }).on('error', reject).end();
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.fronts.map(async (front) => front?.[Symbol.asyncDispose]()));
    this.fronts.length = 0;
    await this.signer?.[Symbol.asyncDispose]();
    this.signer = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (process.env['KEEP_WORLD'] === undefined) rmSync(this.directory, { recursive: true, force: true });
  }

  #writeConfiguration(): void {
    this.ports.forEach((ports, index) => {
      const directory = this.configuration(index);
      cpSync(join(REPOSITORY, 'ca-config'), directory, { recursive: true });
      edit(join(directory, 'ca.yaml'), (ca) => {
        ca.listeners = { acme: `127.0.0.1:${ports.acme}`, status: `127.0.0.1:${ports.status}`, metrics: `127.0.0.1:${ports.metrics}` };
        ca.directories.default.externalUrl = `https://localhost:${this.ports[0]?.acme}`;
        ca.validation.http01Port = this.http01Port;
        ca.validation.tlsAlpn01Port = this.tlsAlpn01Port;
        ca.validation.redirectPorts = [80, 443, this.http01Port];
        this.#options.configure?.(ca);
      });
      for (const file of ['development', 'staging']) {
        edit(join(directory, `issuers/${file}.yaml`), (issuer) => {
          issuer.crlUrl = `http://localhost:${this.ports[0]?.status}/crl`;
          issuer.caIssuersUrl = `http://localhost:${this.ports[0]?.status}/ca`;
          if (issuer.ocsp !== undefined) issuer.ocsp.url = `http://localhost:${this.ports[0]?.status}/ocsp`;
          if (file === 'development') this.#options.configureIssuer?.(issuer);
        });
      }
    });
  }
}

function edit(file: string, change: (content: CaYaml) => void): void {
  const content = parse(readFileSync(file, 'utf8'));
  change(content);
  writeFileSync(file, stringify(content));
}

let template: Promise<string> | undefined;

/** Runs the ceremony once, and gives each world a copy: tokens are files, and two worlds never share one. */
async function ceremony(state: string): Promise<void> {
  template ??= (async () => {
    const made = mkdtempSync(join(tmpdir(), 'chancery-ceremony-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    const { developmentCeremony } = await import('../../ceremony/development.ts');
    await developmentCeremony({ state: made });
    return made;
  })();
  const made = await template;
  mkdirSync(state, { recursive: true });
  cpSync(made, state, { recursive: true });
  const conf = join(state, 'softhsm2.conf');
  writeFileSync(conf, readFileSync(conf, 'utf8').replaceAll(made, state));
}
