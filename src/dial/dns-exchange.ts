// One question to one DNS server, over UDP or TCP, and its answer or the reason why there is none.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { AUTHENTIC_DATA, type DecodedPacket, decode, encode, type OptAnswer, RECURSION_DESIRED } from 'dns-packet';

export interface DnsServer {
  readonly host: string;
  readonly port: number;
}

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'TXT' | 'CAA';
}

/** RCODE as text; dns-packet has it, its types do not. */
export type DnsMessage = DecodedPacket & { readonly rcode: string };

export type Exchanged =
  | { readonly kind: 'message'; readonly message: DnsMessage }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'malformed' };

// DNS flag day 2020: what passes everywhere without fragments. Larger answers come over TCP.
const UDP_PAYLOAD = 1232;

type Transport = (server: DnsServer, query: Query, signal: AbortSignal) => Promise<Exchanged>;

interface Query extends Question {
  readonly id: number;
  readonly bytes: Buffer;
}

/**
 * Asks over UDP, and over TCP when the answer is truncated (a truncated answer is never used: RFC 2181 §9), or over
 * TCP only. Ends after `timeoutMs` for each transport, or when the signal says so (then as a timeout).
 */
export async function exchange(
  server: DnsServer,
  question: Question,
  options: { readonly tcpFirst: boolean; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Exchanged> {
  const query = newQuery(question);
  const over = async (transport: Transport) => {
    const limit = new AbortController();
    const stop = () => limit.abort();
    const timer = setTimeout(stop, options.timeoutMs);
    options.signal.addEventListener('abort', stop, { once: true });
    try {
      return options.signal.aborted ? TIMEOUT : await transport(server, query, limit.signal);
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', stop);
    }
  };
  if (options.tcpFirst) return over(overTcp);
  const answer = await over(overUdp);
  return answer.kind === 'message' && answer.message.flag_tc ? over(overTcp) : answer;
}

const TIMEOUT: Exchanged = { kind: 'timeout' };
const UNREACHABLE: Exchanged = { kind: 'unreachable' };
const MALFORMED: Exchanged = { kind: 'malformed' };

const EDNS: OptAnswer = {
  type: 'OPT', name: '.', udpPayloadSize: UDP_PAYLOAD,
  extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [],
};

function newQuery({ name, type }: Question): Query {
  const id = randomInt(0x10000);
  const bytes = encode({
    id,
    type: 'query',
    flags: RECURSION_DESIRED | AUTHENTIC_DATA, // RFC 6840 §5.7: asks to be told whether DNSSEC was checked
    questions: [{ name, type }],
    additionals: [EDNS],
  });
  return { name, type, id, bytes };
}

/** A socket per question: the kernel picks an unpredictable port (RFC 5452 §9.2), and drops what others send to it. */
function overUdp(server: DnsServer, query: Query, signal: AbortSignal): Promise<Exchanged> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    const finish = (outcome: Exchanged) => {
      signal.removeEventListener('abort', onAbort);
      socket.off('message', onMessage);
      socket.close();
      resolve(outcome);
    };
    const onAbort = () => finish(TIMEOUT);
    const onMessage = (bytes: Buffer) => {
      const outcome = judge(bytes, query);
      if (outcome !== undefined) finish(outcome); // what does not answer our question may be forged: wait on
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('message', onMessage);
    socket.once('error', () => {
      socket.on('error', () => {});
      finish(UNREACHABLE);
    });
    socket.connect(server.port, server.host, () => {
      if (!signal.aborted) socket.send(query.bytes);
    });
  });
}

function overTcp(server: DnsServer, query: Query, signal: AbortSignal): Promise<Exchanged> {
  return new Promise((resolve) => {
    const socket = connect({ host: server.host, port: server.port });
    let received: Buffer = Buffer.alloc(0);
    const finish = (outcome: Exchanged) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(outcome);
    };
    const onAbort = () => finish(TIMEOUT);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => finish(UNREACHABLE));
    socket.on('close', () => finish(UNREACHABLE));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      // RFC 1035 §4.2.2: two octets of length, so a message cannot exceed 64 KiB. Nothing may follow it.
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      finish(judge(received.subarray(2, 2 + received.readUInt16BE(0)), query) ?? MALFORMED);
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.bytes.length);
    socket.write(Buffer.concat([length, query.bytes]));
  });
}

/** Undefined for what does not answer this query: another id, another question, no response at all. */
function judge(bytes: Buffer, query: Query): Exchanged | undefined {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== query.id) return undefined;
  let message: DnsMessage;
  try {
    message = decode(bytes) as DnsMessage;
  } catch {
    // A truncated message may well end in the middle of a record; its header is all that is wanted of it.
    return (bytes.readUInt16BE(2) & 0x0200) === 0 ? MALFORMED : truncated(bytes);
  }
  if (!message.flag_qr) return undefined;
  const [question, ...more] = message.questions ?? [];
  // Servers that refuse to look at a query may send it back without its question.
  if (question === undefined) return QUESTIONLESS.has(message.rcode) ? { kind: 'message', message } : undefined;
  const same = question.name.toLowerCase() === query.name && question.type === query.type && question.class === 'IN';
  return same && more.length === 0 ? { kind: 'message', message } : undefined;
}

const QUESTIONLESS: ReadonlySet<string> = new Set(['FORMERR', 'NOTIMP', 'REFUSED', 'SERVFAIL']);

function truncated(bytes: Buffer): Exchanged | undefined {
  const header = Buffer.from(bytes.subarray(0, 12));
  header.fill(0, 4, 12);
  const message = decode(header) as DnsMessage;
  return message.flag_qr ? { kind: 'message', message } : undefined;
}
