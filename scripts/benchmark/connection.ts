// One kept-alive TLS connection that sends one HTTP/1.1 request at a time: as little work per request as can be, since the
// client shares its cores with the server that it measures.
import { connect, type SecureContext, type TLSSocket } from 'node:tls';

export interface Response {
  readonly status: number;
  /** Names in lower case; the last value wins. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const END_OF_HEAD = '\r\n\r\n';

export class Connection {
  readonly #host: string;
  readonly #port: number;
  readonly #context: SecureContext;
  #socket: TLSSocket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #answer: { resolve: (response: Response) => void; reject: (error: Error) => void; hasBody: boolean } | undefined;

  /** To the host and port of the URL; its certificate is judged by the context's roots. */
  constructor(url: URL, context: SecureContext) {
    this.#host = url.hostname;
    this.#port = Number(url.port || 443);
    this.#context = context;
  }

  async request(method: 'GET' | 'HEAD' | 'POST', path: string, body = ''): Promise<Response> {
    this.#socket ??= await this.#open();
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}:${this.#port}\r\n`;
    const rest = method === 'POST' ? `Content-Type: application/jose+json\r\nContent-Length: ${body.length}\r\n\r\n${body}` : '\r\n';
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject, hasBody: method !== 'HEAD' };
      socket.write(head + rest, 'latin1');
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #open(): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port: this.#port, servername: this.#host, secureContext: this.#context });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.#lost(new Error('the server closed the connection')));
    return socket;
  }

  #lost(error: Error): void {
    this.#socket = undefined;
    this.#received = Buffer.alloc(0);
    this.#answer?.reject(error);
    this.#answer = undefined;
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    const answer = this.#answer;
    if (answer === undefined) return;
    const parsed = parseResponse(this.#received, answer.hasBody);
    if (parsed === undefined) return;
    this.#received = this.#received.subarray(parsed.length);
    this.#answer = undefined;
    answer.resolve(parsed.response);
  }
}

/** The response at the start of the bytes and how many it takes; undefined while some are missing. */
function parseResponse(bytes: Buffer, hasBody: boolean): { response: Response; length: number } | undefined {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(statusLine.slice(9, 12));
  const start = end + END_OF_HEAD.length;
  const content = !hasBody || status === 204 ? { body: Buffer.alloc(0), end: start }
    : headers['transfer-encoding'] === 'chunked' ? readChunks(bytes, start)
    : readLength(bytes, start, Number(headers['content-length'] ?? 0));
  return content && { response: { status, headers, body: content.body }, length: content.end };
}

interface Content {
  readonly body: Buffer;
  readonly end: number;
}

function readLength(bytes: Buffer, start: number, length: number): Content | undefined {
  return bytes.length < start + length ? undefined : { body: bytes.subarray(start, start + length), end: start + length };
}

function readChunks(bytes: Buffer, start: number): Content | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(chunks), end: next };
    chunks.push(bytes.subarray(lineEnd + 2, next - 2));
    at = next;
  }
}
