/** A running server that proves control by DNS, asks CAA, and shows its operator what it saw; with a responder of its own for all of it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { accountLabel } from '../../src/validation/dns-account-01.ts';
import { AcmeClient, type Prove } from '../support/acme-client.ts';
import { startDnsResponder } from '../support/dns-responder.ts';
import { checkInvariants } from '../support/invariants.ts';
import { transportTo } from '../support/live-client.ts';
import { REPOSITORY, World } from '../support/world.ts';

test('names are proven by every DNS challenge, CAA is heeded, and the operator sees why one was not proven', async () => {
  await using dns = await startDnsResponder();
  await using world = await World.open({
    configure(ca) {
      ca.validation.resolvers = [`127.0.0.1:${dns.port}`];
      Object.assign(ca.directories.default, { challenges: ['dns-01', 'dns-account-01', 'dns-persist-01'], caaIdentities: ['ca.test'], caa: 'all', subdomains: true });
    },
  });
  using send = transportTo(world);
  const client = await AcmeClient.registered(send, world.directoryUrl);
  const account = client.account as string;
  const digest = (text: string) => createHash('sha256').update(text).digest('base64url');
  const prove: Prove = ({ type, keyAuthorization, identifier: { value } }) => {
    if (type === 'dns-persist-01') dns.set(`_validation-persist.${value}`, 'TXT', `ca.test; accounturi=${account}; policy=wildcard`);
    else dns.set(`${type === 'dns-account-01' ? `${accountLabel(account)}.` : ''}_acme-challenge.${value}`, 'TXT', digest(keyAuthorization));
  };
  dns.set('internal', 'CAA', { flags: 0, tag: 'issue', value: `ca.test; accounturi=${account}` });
  for (const type of ['dns-01', 'dns-account-01', 'dns-persist-01']) await client.issue([`${type}.internal`, `*.${type}.internal`], prove, { type });

  dns.set('denied.internal', 'CAA', { flags: 0, tag: 'issue', value: 'other.test' });
  const { json: order } = await client.newOrder(['denied.internal']);
  await assert.rejects(client.authorize(order, 'dns-01', prove), /acme:error:caa.*denied\.internal do not name this certificate authority/);
  // Beside this process, for the responder lives in it.
  const { stdout } = await promisify(execFile)(join(REPOSITORY, 'scripts/chancery'), ['challenge', 'show', order.authorizations[0]], { env: { ...process.env, ...world.environment() } });
  assert.match(stdout, /^denied\.internal: invalid, by dns-01, 1 try\n/);
  assert.match(stdout, /\n {2}TXT of _acme-challenge\.denied\.internal: "[\w-]{43}" \(127\.0\.0\.1#\d+, \d+ ms\)\n/);
  assert.match(stdout, /\n {2}CAA: denied\.internal: 0 issue other\.test\n/);
  await checkInvariants(world);
});
