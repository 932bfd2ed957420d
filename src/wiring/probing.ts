/** Which URLs the prober may fetch: those that certificates get from the configuration in force, and this front's own status listener. */
import type { OpenCaOptions } from '../ca/open.ts';
import type { Generation } from '../config/generation.ts';
import { ownFetcher } from '../dial/own-url.ts';
import type { Listening } from '../http/server.ts';

export interface Probing {
  readonly options: NonNullable<OpenCaOptions['probing']>;
  /** To be told once the front's status listener is open. */
  listensOn(listener: Pick<Listening, 'host' | 'port'>): void;
}

export function openProbing(generation: () => Generation): Probing {
  let base: string | undefined;
  const isOwn = (url: string): boolean => {
    const issuers = [...generation().issuers.values()];
    const exact = issuers.map(({ caIssuersUrl }) => caIssuersUrl);
    const below = issuers.flatMap(({ crlUrl, ocsp }) => [crlUrl, ...(ocsp === undefined ? [] : [ocsp.url])]);
    return exact.includes(url) || [...below, ...(base === undefined ? [] : [base])].some((prefix) => url.startsWith(`${prefix}/`));
  };
  return {
    options: { fetch: ownFetcher(isOwn), ownBase: () => base },
    listensOn({ host, port }) {
      const address = EVERY_ADDRESS[host] ?? host;
      base = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
    },
  };
}

/** Where every address of this machine is listened on, one of them. */
const EVERY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
