// Reads one HTTP/1.1 response (RFC 9112), strictly and within bounds. It does so little (no pipelining, no trailers,
// no upgrade, no decompression) that it costs less than half of node:http per request: validation is a hot path.
import { DialFault } from './dial-fault.ts';

export interface HttpResponse {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Buffer;
  /** The body is longer than what was asked for; the rest was not read. */
  readonly truncated: boolean;
}

interface Head {
  readonly status: number;
  readonly location: string | undefined;
  readonly length: number | undefined;
  readonly chunked: boolean;
}

const MAX_HEAD = 8192;
const MAX_INTERIM = 4;

/** Fed with what arrives. Both methods return the response when it is complete and throw DialFault `protocol`. */
export class ResponseReader {
  readonly #maxBody: number;
  #pending: Buffer = Buffer.alloc(0);
  #head: Head | undefined;
  #interim = 0;

  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  push(chunk: Buffer): HttpResponse | undefined {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#head === undefined) {
      const end = this.#pending.indexOf('\r\n\r\n');
      if (end > MAX_HEAD || (end === -1 && this.#pending.length > MAX_HEAD)) throw fault('its header is too large');
      if (end === -1) {
        this.#refuseEarly();
        return undefined;
      }
      const head = parseHead(this.#pending.toString('latin1', 0, end));
      this.#pending = this.#pending.subarray(end + 4);
      if (head.status >= 200) this.#head = head; // RFC 9110 §15.2: interim responses come before
      else if (head.status === 101 || ++this.#interim > MAX_INTERIM) throw fault('it does not come to an answer');
    }
    return this.#read(this.#head, false);
  }

  /** The server has closed its side. */
  end(): HttpResponse {
    const response = this.#head && this.#read(this.#head, true);
    if (response === undefined) throw fault('it ends before it is complete');
    return response;
  }

  /** What cannot become a status line is refused at once, for its sender may well wait for us now. */
  #refuseEarly(): void {
    const start = 'HTTP/1.';
    const seen = this.#pending.toString('latin1', 0, start.length);
    if (!start.startsWith(seen)) throw fault('it is not HTTP/1.1');
  }

  #read(head: Head, ended: boolean): HttpResponse | undefined {
    const respond = (body: Buffer, truncated = false): HttpResponse =>
      ({ status: head.status, location: head.location, body: body.subarray(0, this.#maxBody), truncated });
    // Nobody looks at the body of an error or a redirect, and a 204 or 304 has none.
    if (head.status !== 200) return respond(Buffer.alloc(0));
    if (head.length !== undefined && head.length > this.#maxBody) return respond(this.#pending, true);
    const { body, complete } = head.chunked
      ? readChunks(this.#pending, this.#maxBody)
      : readPlain(this.#pending, head.length, ended);
    if (body.length > this.#maxBody) return respond(body, true);
    return complete ? respond(body) : undefined;
  }
}

const fault = (why: string): DialFault => new DialFault('protocol', `the response makes no sense: ${why}`);

function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(statusLine)?.[1];
  if (status === undefined) throw fault('it is not HTTP/1.1');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) throw fault('a header line is malformed');
    const key = name.toLowerCase();
    const before = fields.get(key);
    if (SINGLE.has(key) && before !== undefined && before !== value) throw fault(`it has two different ${key} fields`);
    fields.set(key, value);
  }
  const length = fields.get('content-length');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw fault('its content-length is malformed');
  const coding = fields.get('transfer-encoding')?.toLowerCase();
  if (coding !== undefined && coding !== 'chunked') throw fault('its transfer-encoding is not one that we take');
  return {
    status: Number(status),
    location: fields.get('location'),
    length: length === undefined || coding !== undefined ? undefined : Number(length), // RFC 9112 §6.3
    chunked: coding !== undefined,
  };
}

// RFC 9112 §5: no space before the colon, no folded lines, no control characters.
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;
const SINGLE: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'location']);

const readPlain = (bytes: Buffer, length: number | undefined, ended: boolean) => ({
  body: bytes.subarray(0, length),
  complete: length === undefined ? ended : bytes.length >= length,
});

/** RFC 9112 §7.1, from the beginning each time: a body that we take is at most a few chunks. */
function readChunks(bytes: Buffer, cap: number): { body: Buffer; complete: boolean } {
  const parts: Buffer[] = [];
  let length = 0;
  let position = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', position);
    if (lineEnd === -1) {
      if (bytes.length - position > 256) throw fault('a chunk is malformed');
      break;
    }
    const size = /^([0-9a-f]{1,8})(?:[\t ]*;.*)?$/i.exec(bytes.toString('latin1', position, lineEnd))?.[1];
    if (size === undefined || lineEnd - position > 256) throw fault('a chunk is malformed');
    if (/^0+$/.test(size)) return { body: Buffer.concat(parts), complete: true }; // trailers are of no interest
    const start = lineEnd + 2;
    const end = start + Number.parseInt(size, 16);
    parts.push(bytes.subarray(start, end));
    length += parts.at(-1)?.length ?? 0;
    if (length > cap || bytes.length < end + 2) break;
    if (bytes[end] !== 0x0d || bytes[end + 1] !== 0x0a) throw fault('a chunk is malformed');
    position = end + 2;
  }
  return { body: Buffer.concat(parts), complete: false };
}
