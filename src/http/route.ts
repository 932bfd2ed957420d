/**
 * What a door and the HTTP floor say to each other: a table of routes over plain requests and replies.
 * Doors see no koa and no socket, so a door is tested with plain objects and moves to another server unchanged.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface HttpRequest {
  readonly method: string;
  /** Path and query exactly as they stood on the request line, nothing decoded. */
  readonly target: string;
  /** `target` without its query. */
  readonly path: string;
  /** What the route's `:names` matched. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly headers: IncomingHttpHeaders;
  /** Made by us for each request, never taken from the caller: runs through log lines and answers. */
  readonly correlation: string;
  /** Of the peer, or of whom trusted proxies speak for. */
  readonly remoteAddress: string;
  /** The whole body. Throws BodyTooLarge, or BodyAborted when the caller went away. To be called at most once. */
  body(): Promise<Buffer>;
}

export interface HttpReply {
  readonly status: number;
  /** Several values are several header lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';

/** One line of a door's table. `path` is @koa/router's: `/order/:order`, optional parts in braces. HEAD comes with GET. */
export interface HttpRoute {
  readonly method: HttpMethod;
  readonly path: string;
  /** Whoever knows the URL may use it: the log gets `path` above in its place. */
  readonly secret?: boolean;
  handle(request: HttpRequest): HttpReply | Promise<HttpReply>;
}

/**
 * A path that no router touches, nor anything below it: matched as it stands on the request line, whatever the method. For what is asked
 * thousands of times a second by anybody: requests are counted, and not logged.
 */
export interface RawRoute {
  /** `/ocsp`: itself, and what begins with `/ocsp/` or `/ocsp?`. */
  readonly prefix: string;
  handle(request: HttpRequest): HttpReply | Promise<HttpReply>;
  /** What a caller is told when `handle` has failed. */
  failed(): HttpReply;
}

export interface Door {
  /** A short label for logs and metrics. */
  readonly name: string;
  readonly routes: readonly HttpRoute[];
  readonly raw?: readonly RawRoute[];
  /** For what anybody may ask, and machines ask all day: a request that succeeds is counted, and not logged. */
  readonly logsOnlyFaults?: true;
  /** Paths that begin so are this door's to refuse; the longest that fits wins. Absent means the door refuses nothing itself. */
  readonly prefix?: string;
  /** Answers what no route took: unknown paths (`allow` empty) and known ones with another method, OPTIONS included. */
  refuse?(request: HttpRequest, allow: readonly string[]): HttpReply | Promise<HttpReply>;
}
