/** The signer's socket: who may connect is decided by its file mode; what they say is believed only as far as protocol.ts. */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Desk } from './desk.ts';
import {
  type Answer,
  decodeRequest,
  encodeAnswer,
  type Frame,
  FrameFault,
  FrameReader,
  MAX_FRAME,
  PROTOCOL_VERSION,
  type Request,
  type SignerState,
} from './protocol.ts';
import type { Standing } from './standing.ts';

export interface SocketOptions {
  readonly path: string;
  readonly mode: number;
  readonly desk: Pick<Desk, 'sign' | 'recover'>;
  readonly standing: Standing;
  /** As in SignerConfig. */
  readonly configuration: string;
  /** Sequence of the journal's last line. */
  readonly lastSequence: () => number;
  readonly onFence: (fence: string) => void;
}

export interface SignerSocket extends AsyncDisposable {
  /** Tells every front. */
  announce(state: SignerState, why: string | undefined): void;
}

const MOST_CONNECTIONS = 64;
/** A front that has looked into its database says so at once, in few words. */
const STATED_WITHIN_MS = 5000;
const LONGEST_STATEMENT = 1024;
/** Of incomplete frames of all connections together. */
const MOST_HELD = 64 * 1024 * 1024;
/** A front that asks and does not read the answers is cut off here. */
const MOST_UNREAD = 32 * 1024 * 1024;
/** sun_path, unix(7). */
const LONGEST_PATH = 107;

/** @throws Error with one sentence when the path cannot be listened on */
export async function listen(options: SocketOptions): Promise<SignerSocket> {
  const { path, mode } = options;
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new Error(`the signer's socket path is longer than ${LONGEST_PATH} bytes: ${path}`);
  }
  const connections = new Set<Connection>();
  let current: Answer = { type: 'state', state: 'unavailable', why: 'the keys are being opened' };
  const drop = (connection: Connection) => {
    connections.delete(connection);
    connection.destroy();
  };
  /** Whoever holds the most goes. */
  const limitHeld = () => {
    const all = [...connections].sort((a, b) => b.held - a.held);
    if (all[0] !== undefined && all.reduce((sum, { held }) => sum + held, 0) > MOST_HELD) drop(all[0]);
  };
  const server = createServer((socket) => {
    // Strangers who say nothing must not keep fronts out.
    if (connections.size >= MOST_CONNECTIONS) {
      const silent = [...connections].find(({ stated }) => !stated);
      if (silent === undefined) return void socket.destroy();
      drop(silent);
    }
    const connection = new Connection(socket, options, () => current, limitHeld);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  rmSync(path, { force: true }); // ours: the lock on the state directory is held
  await bind(server, path, mode);
  return {
    announce(state, why) {
      current = { type: 'state', state, ...(why === undefined ? {} : { why }) };
      for (const connection of connections) connection.send(current);
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.end();
      await closed;
    },
  };
}

function bind(server: Server, path: string, mode: number): Promise<void> {
  const before = process.umask(0o777 & ~mode); // the mode is there from the first instant
  return new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`cannot listen on ${path}: ${error.message}`, { cause: error })));
    server.listen(path, () => resolve());
  }).finally(() => process.umask(before));
}

class Connection {
  readonly #socket: Socket;
  readonly #options: SocketOptions;
  readonly #state: () => Answer;
  /** What the database had confirmed before this front looked into it. */
  readonly #confirmed: number;
  readonly #reader = new FrameReader(MAX_FRAME, LONGEST_STATEMENT);
  readonly #patience: NodeJS.Timeout;
  #stated = false;
  #outgoing: Buffer[] = [];

  /** @param onHeld called when more of an incomplete frame has come */
  constructor(socket: Socket, options: SocketOptions, state: () => Answer, onHeld: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#state = state;
    this.#confirmed = options.standing.confirmed;
    this.#patience = setTimeout(() => socket.destroy(), STATED_WITHIN_MS);
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => clearTimeout(this.#patience));
    socket.on('data', (chunk) => {
      try {
        for (const frame of this.#reader.push(chunk)) this.#hear(frame);
        if (this.held > chunk.length) onHeld();
      } catch (error) {
        if (!(error instanceof FrameFault)) throw error;
        socket.destroy();
      }
    });
    const { signer, formerSigners } = options.standing;
    const { configuration } = options;
    this.send({ type: 'hello', version: PROTOCOL_VERSION, signer, formerSigners, configuration });
  }

  get stated(): boolean {
    return this.#stated;
  }

  /** Bytes of an incomplete frame. */
  get held(): number {
    return this.#reader.held;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Answers of one turn of the event loop go out in one write. */
  send(answer: Answer): void {
    if (this.#outgoing.push(encodeAnswer(answer)) > 1) return;
    setImmediate(() => {
      const [first = Buffer.alloc(0), ...more] = this.#outgoing;
      this.#outgoing = [];
      if (!this.#socket.writable) return;
      this.#socket.write(more.length === 0 ? first : Buffer.concat([first, ...more]));
      if (this.#socket.writableLength > MOST_UNREAD) this.#socket.destroy();
    });
  }

  end(): void {
    setImmediate(() => this.#socket.end(() => this.#socket.destroy()));
  }

  #hear({ header, body }: Frame): void {
    const request = decode(header, body);
    if (request?.type !== 'stated' && !this.#stated) throw new FrameFault('nothing was stated yet');
    if (request === undefined) {
      // A newer front may know purposes that we do not: it gets an answer, not a closed door.
      const outcome = { kind: 'refused', reasons: ['the request is not understood'] } as const;
      this.send({ type: 'signing', call: header['call'] as number, outcome });
      return;
    }
    this.#answer(request);
  }

  #answer(request: Request): void {
    const { desk, standing, lastSequence, onFence } = this.#options;
    switch (request.type) {
      case 'stated': {
        this.#stated = true;
        clearTimeout(this.#patience);
        const fence = standing.stated(request.highest, this.#confirmed, lastSequence());
        if (fence !== undefined) onFence(fence);
        this.send(this.#state());
        return;
      }
      case 'confirm':
        // A confirmation may come late, for an id that the journal had before a restore.
        if (request.signer === standing.signer) standing.confirm(request.sequence, lastSequence());
        return;
      case 'sign':
        void desk.sign(request).then((outcome) => this.send({ type: 'signing', call: request.call, outcome }));
        return;
      case 'recover':
        void desk.recover(request).then((outcome) => this.send({ type: 'recovery', call: request.call, outcome }));
        return;
    }
  }
}

/** @returns undefined for a request to sign that has a number to answer under but is otherwise not understood */
function decode(header: Frame['header'], body: Uint8Array): Request | undefined {
  try {
    return decodeRequest(header, body);
  } catch (error) {
    if (header['type'] === 'sign' && Number.isSafeInteger(header['call'])) return undefined;
    throw error;
  }
}
