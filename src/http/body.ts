/** Reading a request's body: all of it, never more than the cap. */
import type { IncomingMessage } from 'node:http';

export const MAX_BODY_BYTES = 64 * 1024;

/** Bytes beyond the cap that are read and thrown away, so that an honest client has sent all before it reads our 413. */
const DISCARD_BYTES = 1024 * 1024;

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** The caller went away or broke the framing: there is nobody to answer. */
export class BodyAborted extends Error {
  override readonly name = 'BodyAborted';
}

/** The body of `request`, at most `limit` bytes. Throws BodyTooLarge or BodyAborted. */
export function readBody(request: IncomingMessage, limit = MAX_BODY_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = () => new BodyTooLarge(`the body exceeds ${limit} bytes`);
    if (Number(request.headers['content-length'] ?? 0) > limit + DISCARD_BYTES) return reject(tooLarge());
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else if (length > limit + DISCARD_BYTES) {
        request.pause();
        reject(tooLarge());
      } else chunks.length = 0;
    });
    request.on('end', () => {
      if (length > limit) return reject(tooLarge());
      const [first] = chunks;
      return resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length));
    });
    // Node swallows the error of a request that nobody listens to, and `close` follows it in any case. An Error made for
    // every request, to be thrown away after `end`, would cost more than all the rest here.
    request.on('close', () => {
      if (!request.complete) reject(new BodyAborted('the request ended early'));
    });
  });
}
