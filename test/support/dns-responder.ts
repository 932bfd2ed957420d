// A DNS server for tests, on a free loopback port, UDP and TCP: answers from a table, and misbehaves when told to.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type Answer, AUTHENTIC_DATA, AUTHORITATIVE_ANSWER, decode, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet';

export type RecordType = 'A' | 'AAAA' | 'TXT' | 'CNAME' | 'CAA';

/** A: dotted text. TXT: a string, or the strings of one record. CAA: { flags, tag, value }. */
export type RecordValue = string | readonly string[] | { flags: number; tag: string; value: string };

/**
 * servfail, refused, nxdomain: that RCODE. drop: no answer. truncate: over UDP, TC set and nothing in it.
 * truncate-partial: over UDP, TC set and only the first record. wrong-id, wrong-question: once with another id
 * (question), never right. forged-first: a wrong id, then the truth. garbage: octets that are no message.
 * authentic: with AD set, as by a resolver that validates DNSSEC. delay: after that many milliseconds. extendedError: SERVFAIL with that code of RFC 8914. not-followed: CNAME without what it leads to.
 */
export type DnsFault =
  | 'servfail' | 'refused' | 'nxdomain' | 'drop' | 'truncate' | 'truncate-partial' | 'wrong-id' | 'wrong-question'
  | 'forged-first' | 'garbage' | 'not-followed' | 'authentic' | { readonly delay: number } | { readonly extendedError: number };

export interface DnsResponder extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Replaces the records of this name and type. No values: removes them. Those of `*` are every other name's. */
  set(name: string, type: RecordType, ...values: RecordValue[]): void;
  /** For all questions about this name; undefined mends it. `*` is every name. */
  fail(name: string, fault: DnsFault | undefined): void;
  clear(): void;
  /** `udp A name` for each question that came, the newest last; bounded. */
  readonly questions: readonly string[];
  close(): Promise<void>;
}

/** A name that exists in the table without the type that is asked for answers NODATA, any other NXDOMAIN. */
export async function startDnsResponder(port = 0): Promise<DnsResponder> {
  const records = new Map<string, Map<RecordType, RecordValue[]>>();
  const faults = new Map<string, DnsFault>();
  const questions: string[] = [];
  const timers = new Set<NodeJS.Timeout>();

  function respond(bytes: Buffer, transport: 'udp' | 'tcp'): { messages: Buffer[]; delay: number } {
    const query = decode(bytes);
    const question = query.questions?.[0];
    if (question === undefined) return { messages: [], delay: 0 };
    const name = question.name.toLowerCase();
    questions.push(`${transport} ${question.type} ${name}`);
    if (questions.length > 1000) questions.shift();

    const fault = faults.get(name) ?? faults.get('*');
    const { answers, exists } = collect(records, name, question.type as RecordType, fault !== 'not-followed');
    const id = query.id ?? 0;
    const message = (more: { id?: number; rcode?: number; name?: string; answers?: Answer[]; flags?: number; extendedError?: number } = {}) =>
      encode({
        id: more.id ?? id,
        type: 'response',
        flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | (more.flags ?? 0) | (more.rcode ?? (exists ? 0 : 3)),
        questions: [{ ...question, name: more.name ?? question.name }],
        answers: more.answers ?? answers,
        additionals: more.extendedError === undefined ? [] : [extendedError(more.extendedError)],
      });
    const udp = transport === 'udp';
    const reply = (): Buffer[] => {
      if (typeof fault === 'object' && 'extendedError' in fault) return [message({ rcode: 2, answers: [], ...fault })];
      switch (fault) {
        case 'servfail': return [message({ rcode: 2, answers: [] })];
        case 'refused': return [message({ rcode: 5, answers: [] })];
        case 'nxdomain': return [message({ rcode: 3, answers: [] })];
        case 'drop': return [];
        case 'truncate': return [udp ? message({ flags: TRUNCATED_RESPONSE, answers: [] }) : message()];
        case 'truncate-partial': return [udp ? message({ flags: TRUNCATED_RESPONSE, answers: answers.slice(0, 1) }) : message()];
        case 'wrong-id': return [message({ id: id ^ 1 })];
        case 'wrong-question': return [message({ name: 'other.test' })];
        case 'forged-first': return udp ? [message({ id: id ^ 1, answers: [] }), message()] : [message()];
        case 'authentic': return [message({ flags: AUTHENTIC_DATA })];
        case 'garbage': return [Buffer.concat([bytes.subarray(0, 2), Buffer.from([0x81, 0x80]), Buffer.alloc(20, 0xff)])];
        default: {
          const whole = message();
          // What does not fit into the payload that clients announce today comes over TCP, as real servers do it.
          return [udp && whole.length > 1232 ? message({ flags: TRUNCATED_RESPONSE, answers: [] }) : whole];
        }
      }
    };
    return { messages: reply(), delay: typeof fault === 'object' && 'delay' in fault ? fault.delay : 0 };
  }

  function later(delay: number, act: () => void): void {
    if (delay === 0) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, delay);
    timers.add(timer);
  }

  const sockets = new Set<Socket>();
  const { udp, tcp } = await bindBoth(port);
  udp.on('message', (bytes, from) => {
    const { messages, delay } = respond(bytes, 'udp');
    later(delay, () => {
      for (const message of messages) udp.send(message, from.port, from.address);
    });
  });
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const { messages, delay } = respond(received.subarray(2, end), 'tcp');
        received = received.subarray(end);
        later(delay, () => {
          for (const message of messages) {
            const length = Buffer.alloc(2);
            length.writeUInt16BE(message.length);
            socket.write(Buffer.concat([length, message]));
          }
        });
      }
    });
  });

  const close = async () => {
    for (const timer of timers) clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
    udp.close();
    tcp.close();
    await once(tcp, 'close');
  };
  return {
    host: '127.0.0.1',
    port: udp.address().port,
    set(name, type, ...values) {
      const key = name.toLowerCase();
      const types = records.get(key) ?? new Map<RecordType, RecordValue[]>();
      if (values.length > 0) types.set(type, values);
      else types.delete(type);
      if (types.size > 0) records.set(key, types);
      else records.delete(key);
    },
    fail(name, fault) {
      if (fault === undefined) faults.delete(name.toLowerCase());
      else faults.set(name.toLowerCase(), fault);
    },
    clear() {
      records.clear();
      faults.clear();
      questions.length = 0;
    },
    questions,
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Records = ReadonlyMap<string, ReadonlyMap<RecordType, readonly RecordValue[]>>;

/** The records of a name, with the CNAMEs that lead to them first, as a recursive resolver answers. */
function collect(records: Records, name: string, type: RecordType, follow: boolean): { answers: Answer[]; exists: boolean } {
  const answers: Answer[] = [];
  let current = name;
  for (let step = 0; step < 32; step++) {
    const own = records.get(current);
    const types = own?.has('CNAME') || own?.has(type) ? own : (records.get('*')?.has(type) ? records.get('*') : own);
    if (types === undefined) return { answers, exists: step > 0 && !follow };
    const alias = type === 'CNAME' ? undefined : types.get('CNAME')?.[0];
    if (typeof alias !== 'string') {
      for (const value of types.get(type) ?? []) answers.push(answer(current, type, value));
      return { answers, exists: true };
    }
    answers.push(answer(current, 'CNAME', alias));
    if (!follow) return { answers, exists: true };
    current = alias.toLowerCase();
  }
  return { answers, exists: true };
}

function answer(name: string, type: RecordType, value: RecordValue): Answer {
  return { name, type, ttl: 1, class: 'IN', data: Array.isArray(value) ? [...value] : value } as Answer;
}

const extendedError = (code: number): Answer => ({
  type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false,
  options: [{ code: 15 as never, data: Buffer.from([code >> 8, code & 0xff]) } as never],
});

/** One port for both transports: the system picks one for TCP, and UDP gets it too or another is picked. */
async function bindBoth(port: number) {
  for (let attempt = 0; ; attempt++) {
    const tcp = createServer();
    tcp.listen(port, '127.0.0.1');
    await once(tcp, 'listening');
    const udp = createSocket('udp4');
    try {
      udp.bind((tcp.address() as { port: number }).port, '127.0.0.1');
      await once(udp, 'listening');
      return { udp, tcp };
    } catch (error) {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
      if (attempt === 20 || port !== 0) throw error;
    }
  }
}
