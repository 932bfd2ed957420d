/** `chancery status`: one screen that says whether this server does what it should, and what relying parties can see of it. */
import { ask } from './admin-socket.ts';
import type { Command } from './command.ts';
import { readOptions } from './options.ts';

export const status: Command = {
  name: 'status',
  help: `usage: chancery status [--json]

Says whether the server is ready, what its signer does, and for each issuer key how old its CRLs are and how long its OCSP responder's
certificate is good for. Exit code 1 when something has to be looked at.

  scripts/chancery status
  scripts/chancery status --json`,
  async run(args) {
    const { values } = readOptions('status', args, { json: { type: 'boolean', default: false } });
    const found = (await ask('GET', '/status')) as Status;
    console.log(values.json ? JSON.stringify(found, null, 2) : screen(found));
    return found.ready && found.issuers.every(({ concerns }) => concerns.length === 0) ? 0 : 1;
  },
};

export interface Status {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly now: number;
  readonly signer: { readonly id?: number; readonly state: string };
  readonly configuration: string;
  readonly issuers: readonly {
    readonly issuerKey: string;
    readonly crls: { readonly shards: number; readonly published: number; readonly oldest?: number; readonly firstToEnd?: number };
    readonly ocsp?: { readonly responder?: string; readonly notAfter?: number };
    readonly concerns: readonly { readonly level: string; readonly what: string }[];
  }[];
}

/** As a person reads it. */
export function screen({ ready, reasons, now, signer, configuration, issuers }: Status): string {
  return [
    `server         ${ready ? 'ready' : `not ready: ${reasons.join('; ')}`}`,
    `signer         ${signer.id === undefined ? '' : `${signer.id}, `}${signer.state}`,
    `configuration  ${configuration.slice(0, 16)}`,
    ...issuers.flatMap(({ issuerKey, crls, ocsp, concerns }) => [
      '', issuerKey,
      `  CRLs         ${crls.published} of ${crls.shards} published${crls.oldest === undefined ? '' : `, the oldest ${span(now - crls.oldest)} old`}${
        crls.firstToEnd === undefined ? '' : `, good for ${span(crls.firstToEnd - now)}`}`,
      `  OCSP         ${ocsp === undefined ? 'none' : ocsp.notAfter === undefined ? 'no responder' : `responder good for ${span(ocsp.notAfter - now)}`}`,
      ...concerns.map(({ level, what }) => `  ${level.padEnd(13)}${what}`),
    ]),
  ].join('\n');
}

function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`;
}
