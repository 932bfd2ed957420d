/** The signer's socket without our client: frames of one's own making, good or bad. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  type Answer,
  decodeAnswer,
  encodeRequest,
  FrameReader,
  type RecoveryOutcome,
  type Request,
  type SigningOutcome,
} from '../../src/signing/protocol.ts';

export class RawClient implements Disposable {
  readonly #socket: Socket;
  readonly #answers: Answer[] = [];
  readonly #waiting: (() => void)[] = [];
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new FrameReader();
    const wake = () => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    socket.on('data', (chunk) => {
      for (const { header, body } of reader.push(chunk)) this.#answers.push(decodeAnswer(header, body));
      wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      wake();
    });
  }

  /** @param highest what is stated about the database; nothing is stated when it is undefined */
  static async open(path: string, highest?: number): Promise<RawClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    const client = new RawClient(socket);
    await client.next('hello');
    if (highest !== undefined) {
      client.say({ type: 'stated', highest });
      await client.next('state');
    }
    return client;
  }

  say(request: Request): void {
    this.#socket.write(encodeRequest(request));
  }

  bytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next answer of that type; others before it are passed over. Undefined when the signer closes the connection. */
  async next<T extends Answer['type']>(type: T): Promise<Extract<Answer, { type: T }> | undefined> {
    for (;;) {
      const answer = this.#answers.shift();
      if (answer?.type === type) return answer as Extract<Answer, { type: T }>;
      if (answer === undefined && this.closed) return undefined;
      if (answer === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The outcome of the next answer to a request, whichever it is. */
  async outcome(): Promise<SigningOutcome | RecoveryOutcome> {
    for (;;) {
      const answer = this.#answers.shift();
      if (answer?.type === 'signing' || answer?.type === 'recovery') return answer.outcome;
      if (answer !== undefined) continue;
      if (this.closed) throw new Error('the signer closed the connection');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** A frame whose header is any text at all. */
export function frameOf(header: string, body: Uint8Array = new Uint8Array(0)): Buffer {
  const json = Buffer.from(header);
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(4 + json.length + body.length, 0);
  lengths.writeUInt32BE(json.length, 4);
  return Buffer.concat([lengths, json, body]);
}
