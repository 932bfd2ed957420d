/** `chancery status`: one screen that says whether this server does what it should, and what relying parties can see of it. */
import { ask } from './admin-socket.ts';
import type { Command } from './command.ts';
import { readOptions } from './options.ts';

export const status: Command = {
  name: 'status',
  help: `usage: chancery status [--json]

Says whether the server is ready, what its signer does, and for each issuer key how long its certificate, its CRLs, its root's CRL and its
OCSP responder are good for, and whether relying parties find all of it at the URLs that certificates name. Exit code 1 when something has to
be looked at, 2 when no server answers. --json has each CRL and each URL by itself.

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
  readonly ocspKept: number;
  readonly issuers: readonly IssuerStatus[];
}

interface IssuerStatus {
  readonly issuerKey: string;
  readonly chainEnds: number;
  readonly crls: { readonly shards: number; readonly published: number; readonly oldest?: number; readonly firstToEnd?: number };
  readonly rootCrl?: { readonly nextUpdate?: number };
  readonly ocsp?: { readonly responder?: string; readonly notAfter?: number };
  readonly probes: readonly { readonly checkedAt: number; readonly fault?: string }[];
  readonly concerns: readonly { readonly level: string; readonly what: string }[];
}

/** As a person reads it. */
export function screen({ ready, reasons, now, signer, configuration, ocspKept, issuers }: Status): string {
  return [
    `server         ${ready ? 'ready' : `not ready: ${reasons.join('; ')}`}`,
    `signer         ${signer.id === undefined ? '' : `${signer.id}, `}${signer.state}`,
    `configuration  ${configuration.slice(0, 16)}`,
    `OCSP cache     ${ocspKept} responses`,
    ...issuers.flatMap((issuer) => ['', ...paragraph(issuer, now)]),
  ].join('\n');
}

function paragraph({ issuerKey, chainEnds, crls, rootCrl, ocsp, probes, concerns }: IssuerStatus, now: number): string[] {
  const bad = probes.filter(({ fault }) => fault !== undefined).length;
  const seen = Math.min(...probes.map(({ checkedAt }) => checkedAt));
  return [
    issuerKey,
    `  certificate  good for ${span(chainEnds - now)}`,
    `  CRLs         ${crls.published} of ${crls.shards} published${crls.oldest === undefined ? '' : `, the oldest ${span(now - crls.oldest)} old`}${
      crls.firstToEnd === undefined ? '' : `, good for ${span(crls.firstToEnd - now)}`}`,
    `  root CRL     ${rootCrl === undefined ? 'none' : rootCrl.nextUpdate === undefined ? 'cannot be served' : `good for ${span(rootCrl.nextUpdate - now)}`}`,
    `  OCSP         ${ocsp === undefined ? 'none' : ocsp.notAfter === undefined ? 'no responder' : `responder good for ${span(ocsp.notAfter - now)}`}`,
    `  URLs         ${probes.length === 0 ? 'not probed' : `${probes.length - bad} of ${probes.length} as they should be, all looked at in the last ${span(now - seen)}`}`,
    ...concerns.map(({ level, what }) => `  ${level.padEnd(13)}${what}`),
  ];
}

function span(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`;
}
