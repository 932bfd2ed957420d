/** The list of commands. Each is loaded only when it is asked for: a start should not pay for the others. */
import type { Command } from './command.ts';

export interface Entry {
  readonly name: string;
  /** One line for `chancery help`; absent for what only Chancery itself runs. */
  readonly summary?: string;
  load(): Promise<Command>;
}

export const commands: readonly Entry[] = [
  { name: 'start', summary: 'run everything: signer and fronts (in development, make keys first)', load: async () => (await import('./start.ts')).start },
  { name: 'serve', summary: 'run one front, beside a signer that runs already', load: async () => (await import('./serve.ts')).serve },
  { name: 'signer', summary: 'run the signer: the only process with a PIN', load: async () => (await import('./signer.ts')).signer },
  { name: 'signer-worker', load: async () => (await import('./signer.ts')).signerWorker },
  { name: 'config', summary: 'check, diff, show or apply the configuration', load: async () => (await import('./config.ts')).config },
  { name: 'explain', summary: 'say whether a request would be allowed, and why not', load: async () => (await import('./explain.ts')).explain },
  { name: 'challenge', summary: 'show what validations saw, try by try', load: async () => (await import('./challenge.ts')).challenge },
  { name: 'revoke', summary: 'revoke certificates, one or many', load: async () => (await import('./revoke.ts')).revoke },
  { name: 'unhold', summary: 'take a hold on a certificate back', load: async () => (await import('./unhold.ts')).unhold },
  { name: 'renewals', summary: 'have certificates renewed before their time', load: async () => (await import('./renewals.ts')).renewals },
  { name: 'eab', summary: 'hand out external account bindings, list and revoke them', load: async () => (await import('./eab.ts')).eab },
  { name: 'accounts', summary: 'look at ACME accounts, deactivate or pause them', load: async () => (await import('./accounts.ts')).accounts },
  { name: 'status', summary: 'say in one screen whether all is well: signer, CRLs, OCSP', load: async () => (await import('./status.ts')).status },
  { name: 'restore', summary: 'after a restore from backup: complete the database from the journal', load: async () => (await import('./restore.ts')).restore },
];
