/**
 * OCSP over HTTP (RFC 6960 appendix A, RFC 5019): GET with the request in the path, POST with the request in the body. What was answered
 * by GET is remembered by its path, as it came, for as long as the CA says that it is current: that is the path that is asked 20,000 times
 * a second, and it decodes, parses and looks up nothing.
 */
import { createHash } from 'node:crypto';
import type { Ca, OcspReply } from '../../ca/index.ts';
import type { HttpReply, HttpRequest, RawRoute } from '../../http/route.ts';
import * as events from '../../telemetry/events.ts';
import { DerError } from '../../x509/der.ts';
import { parseOcspRequest } from '../../x509/ocsp-request.ts';
import { type OcspError, ocspErrorResponse } from '../../x509/ocsp-response.ts';
import { requestInPath } from './ocsp-path.ts';

export interface OcspParts {
  readonly ca: Pick<Ca, 'ocsp'>;
  readonly clock: { now(): number };
}

type Signed = Extract<OcspReply, { kind: 'signed' }>;

/** A response with what HTTP says about it, made once a second at most. */
interface Remembered {
  readonly signed: Signed;
  readonly etag: string;
  second: number;
  reply: HttpReply;
}

export const OCSP_PREFIX = '/ocsp';
const MOST_PATHS = 16_384;
/** How long others may keep it: so late a cache outside of ours sees a revocation. */
const MAX_AGE_S = 3600;

export function ocspRoute({ ca, clock }: OcspParts): RawRoute {
  const byPath = new Map<string, Remembered>();

  const handleGet = (request: HttpRequest): HttpReply | Promise<HttpReply> => {
    const { target } = request;
    const now = clock.now();
    const remembered = byPath.get(target);
    if (remembered !== undefined && isCurrent(remembered.signed, now)) return given(remembered, request, now);
    return answerGet(request, target);
  };

  const answerGet = async (request: HttpRequest, target: string): Promise<HttpReply> => {
    const bytes = requestInPath(target.slice(OCSP_PREFIX.length));
    const reply = bytes === undefined ? MALFORMED : await answer(bytes);
    if (!('kind' in reply) || reply.kind === 'error') return told(reply);
    const before = byPath.get(target);
    const remembered = before?.signed.der === reply.der ? { ...before, signed: reply } : rememberedOf(reply);
    if (reply.current !== undefined) {
      byPath.delete(target);
      if (byPath.size >= MOST_PATHS) byPath.delete(byPath.keys().next().value as string);
      byPath.set(target, remembered);
    }
    return given(remembered, request, clock.now());
  };

  const answer = async (bytes: Uint8Array): Promise<OcspReply | typeof MALFORMED> => {
    let parsed: ReturnType<typeof parseOcspRequest>;
    try {
      parsed = parseOcspRequest(bytes);
    } catch (error) {
      if (error instanceof DerError) return MALFORMED;
      throw error;
    }
    return ca.ocsp(parsed);
  };

  return {
    prefix: OCSP_PREFIX,
    handle(request) {
      const { method } = request;
      if (method === 'GET' || method === 'HEAD') return handleGet(request);
      if (method !== 'POST') return { status: 405, headers: { Allow: 'GET, HEAD, POST', 'Cache-Control': 'no-store' } };
      return request.body().then(answer).then((reply) =>
        'kind' in reply && reply.kind === 'signed' ? given(rememberedOf(reply), request, clock.now()) : told(reply));
    },
    failed: () => told({ error: 'internalError', der: ocspErrorResponse('internalError'), why: 'fault' }),
  };
}

/** A clock that was set back makes nothing current for longer. */
const isCurrent = ({ current }: Signed, now: number): boolean => current !== undefined && now >= current.from && now < current.until;

/** RFC 5019 §6.2: what caches need. Nonces and several in one are for one caller. */
function given(remembered: Remembered, request: HttpRequest, now: number): HttpReply {
  const { signed, etag } = remembered;
  const second = Math.floor(now / 1000);
  if (remembered.second !== second) {
    remembered.second = second;
    remembered.reply = { status: 200, headers: signed.current === undefined ? ONE_CALLERS : cached(signed, etag, second), body: signed.der };
  }
  events.ocspAnswered('signed');
  if (signed.current === undefined || request.method === 'POST' || !isKnown(request.headers, signed, etag)) return remembered.reply;
  return { status: 304, ...(remembered.reply.headers === undefined ? {} : { headers: remembered.reply.headers }) };
}

const CONTENT = { 'Content-Type': 'application/ocsp-response' };
const ONE_CALLERS = { ...CONTENT, 'Cache-Control': 'no-store' };

function cached({ thisUpdate, refreshAt }: Signed, etag: string, second: number): Record<string, string> {
  const age = Math.max(0, Math.min(MAX_AGE_S, Math.floor(refreshAt / 1000) - second));
  return {
    ...CONTENT, ETag: etag, 'Last-Modified': new Date(thisUpdate).toUTCString(), Expires: new Date((second + age) * 1000).toUTCString(),
    'Cache-Control': `public, max-age=${age}, no-transform, must-revalidate`,
  };
}

/** RFC 9110 §13.1: If-None-Match counts alone where it is there. */
function isKnown(headers: HttpRequest['headers'], { thisUpdate }: Signed, etag: string): boolean {
  const none = headers['if-none-match'];
  if (none !== undefined) return none.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');
  const since = headers['if-modified-since'];
  return since !== undefined && Date.parse(since) >= thisUpdate;
}

const rememberedOf = (signed: Signed): Remembered => ({
  signed, etag: `"${createHash('sha256').update(signed.der).digest('base64url')}"`, second: -1, reply: { status: 200 },
});

const MALFORMED = { error: 'malformedRequest', der: ocspErrorResponse('malformedRequest'), why: 'malformed' } as const;

/** 200, for what is said is in the OCSPResponse, and clients that see another status do not read it. */
function told({ der, error, why }: { readonly der: Uint8Array; readonly error: OcspError; readonly why: Parameters<typeof events.ocspAnswered>[0] }): HttpReply {
  events.ocspAnswered(why);
  const later = error === 'tryLater' ? { 'Retry-After': '2' } : {};
  return { status: 200, headers: { ...ONE_CALLERS, ...later }, body: der };
}
