/** What the operator can have done about accounts and their external bindings, over the admin socket. */
import type { Generation, NameRules } from '../config/generation.ts';
import { Unfit } from '../config/schema.ts';
import { dnsName, dnsNameOrWildcard, range } from '../config/values.ts';
import { type Change, changeAccount, type Operator } from '../doors/acme/accounts/operate.ts';
import { findAccount, listAccounts, type Standing } from '../doors/acme/accounts/store.ts';
import { type Bounds, type Credential, credentialStatus } from '../doors/acme/binding/credential.ts';
import { createCredential, revokeCredential } from '../doors/acme/binding/operate.ts';
import { listCredentials } from '../doors/acme/binding/store.ts';
import { OperatorMistake, type Operations } from '../doors/admin/admin.ts';

const PAGE = 100;
/** A restriction stands in the evidence of each certificate, which has 8 KiB in all. */
const MAX_RESTRICTION_OCTETS = 2048;

/** As the command line sends it. */
interface CreateRequest {
  readonly directory: string;
  readonly description: string;
  readonly profiles: readonly string[];
  readonly names: readonly string[];
  readonly suffixes: readonly string[];
  readonly wildcards: readonly string[];
  readonly addresses: readonly string[];
  /** Null: any number. */
  readonly uses: number | null;
  /** From now; null: never. */
  readonly expiresMs: number | null;
  readonly dryRun: boolean;
}

type AccessOperations = Pick<Operations, 'createCredential' | 'listCredentials' | 'revokeCredential' | 'listAccounts' | 'showAccount' | 'changeAccount'>;

export function accessOperations(operator: Operator, generation: () => Generation): AccessOperations {
  const { database, realm, clock } = operator;
  return {
    async createCredential(body) {
      const asked = body as CreateRequest;
      const directory = generation().directories.get(asked.directory);
      if (directory === undefined) throw new OperatorMistake(`there is no directory "${asked.directory}": it is one of ${[...generation().directories.keys()].join(', ')}`);
      const stranger = asked.profiles.find((profile) => !directory.profiles.includes(profile));
      if (stranger !== undefined) throw new OperatorMistake(`directory "${directory.name}" does not offer profile "${stranger}": it offers ${directory.profiles.join(', ')}`);
      const wanted = {
        directory: directory.name, description: asked.description, restriction: boundsOf(asked), uses: asked.uses ?? undefined,
        expires: asked.expiresMs === null ? undefined : clock.now() + asked.expiresMs,
      };
      const url = `${directory.externalUrl}${directory.path}/directory`;
      if (asked.dryRun) return { credential: shown({ ...wanted, id: '', used: 0, created: clock.now(), revoked: undefined }, clock.now()), url };
      const { credential, hmacKey } = await createCredential(operator, wanted);
      return { credential: shown(credential, clock.now()), hmacKey, url };
    },

    async listCredentials(body) {
      const found = await listCredentials(database, realm, afterIn(body));
      return { credentials: found.map((each) => shown(each, clock.now())), ...(found.length === PAGE ? { next: found.at(-1)?.id } : {}) };
    },

    async revokeCredential(body) {
      const { id, dryRun } = body as { id: string; dryRun: boolean };
      const revoked = await revokeCredential(operator, id, dryRun);
      if (revoked === undefined) throw new OperatorMistake(`there is no credential ${id} that is not revoked already: chancery eab list shows them`);
      return { id, ...revoked, revoked: !dryRun };
    },

    async listAccounts(body) {
      const found = await listAccounts(database, realm, afterIn(body));
      return { accounts: found.map(shownAccount), ...(found.length === PAGE ? { next: found.at(-1)?.id } : {}) };
    },

    async showAccount(body) {
      const id = idIn((body as { id: string }).id);
      return shownAccount((await findAccount(database, realm, id)) ?? noAccount(id));
    },

    async changeAccount(body) {
      const { id: given, change, dryRun } = body as { id: string; change: Change; dryRun: boolean };
      const id = idIn(given);
      const { account, changed } = (await changeAccount(operator, id, change, dryRun)) ?? noAccount(id);
      return { account: shownAccount(account), changed, applied: changed && !dryRun };
    },
  };
}

const noAccount = (id: string): never => {
  throw new OperatorMistake(`there is no account ${id}: chancery accounts list shows them`);
};

/** An account's id, or its whole URL, as a client's files have it. */
const idIn = (text: string): string => text.slice(text.lastIndexOf('/') + 1);

const afterIn = (body: unknown): string => {
  const { after } = (body ?? {}) as { after?: unknown };
  return typeof after === 'string' ? after : '';
};

function boundsOf({ profiles, names, suffixes, wildcards, addresses }: CreateRequest): Bounds | undefined {
  const rules: NameRules = {
    names: read('--name', names, dnsNameOrWildcard), suffixes: read('--suffix', suffixes, dnsName), wildcards: read('--wildcard', wildcards, dnsName),
    addresses: read('--address', addresses, range), uris: [], subject: {},
  };
  const anyName = [names, suffixes, wildcards, addresses].every((list) => list.length === 0);
  if (anyName && profiles.length === 0) return undefined;
  const bounds: Bounds = { ...(profiles.length === 0 ? {} : { profiles }), ...(anyName ? {} : { names: rules }) };
  if (Buffer.byteLength(JSON.stringify(bounds)) > MAX_RESTRICTION_OCTETS) {
    throw new OperatorMistake('so many names and profiles do not fit a credential: use --suffix, or make several');
  }
  return bounds;
}

function read<T>(option: string, texts: readonly string[], parse: (text: string) => T): T[] {
  try {
    return texts.map(parse);
  } catch (error) {
    if (error instanceof Unfit) throw new OperatorMistake(`${option}: ${error.message}`);
    throw error;
  }
}

const time = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

function shown(credential: Credential, now: number) {
  const { id, directory, description, restriction, uses, used, created, expires, revoked } = credential;
  const { names, profiles } = restriction ?? {};
  return {
    id, directory, description, status: credentialStatus(credential, now), profiles, uses, used,
    names: names && { names: names.names, suffixes: names.suffixes, wildcards: names.wildcards, addresses: names.addresses.map(({ text }) => text) },
    created: time(created), expires: time(expires), revoked: time(revoked),
  };
}

const shownAccount = ({ id, directory, state, contact, thumbprint, created, credential, paused, names }: Standing) => ({
  id, directory, status: state, contact, thumbprint, created: time(created), credential, paused: time(paused),
  names: names.map((each) => ({ ...each, paused: time(each.paused) })),
});
