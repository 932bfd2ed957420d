// Other people's lints on what is issued: zlint (without the rules for publicly trusted CAs) and pkilint's RFC 5280 set.
// Both warn that there is no subject key identifier: RFC 5280 §4.2.1.2 has it as a SHOULD for end entities, which the Baseline
// Requirements turn into NOT RECOMMENDED. We leave it out; anything else is a fault.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startHttp01Responder } from '../support/http-01-responder.ts';
import { PersistentClient, transportTo } from '../support/live-client.ts';
import { run } from '../support/processes.ts';
import { World } from '../support/world.ts';
import { fromGo, fromPip } from './toolchain.ts';

const TOOL = { timeout: 20 * 60_000 };
let world: World;
let certificate: string;

before(async () => {
  // pkilint takes no URI for one whose host has no dot.
  world = await World.open({ configureIssuer: (issuer) => {
    issuer['crlUrl'] = 'http://pki.home.arpa/crl';
    issuer['caIssuersUrl'] = 'http://pki.home.arpa/ca';
    issuer['ocsp'] = { ...(issuer['ocsp'] as object), url: 'http://pki.home.arpa/ocsp' };
  } });
  await using responder = await startHttp01Responder({ port: world.http01Port });
  using transport = transportTo(world);
  const chain = await new PersistentClient(transport, world.directoryUrl, responder).certificate(['linted.localhost']);
  certificate = join(world.directory, 'linted.pem');
  writeFileSync(certificate, chain.slice(0, chain.indexOf('-----END CERTIFICATE-----') + 26));
});
after(() => world?.[Symbol.asyncDispose]());

test('zlint finds nothing else', TOOL, async (t) => {
  const zlint = await fromGo(t, 'github.com/zmap/zlint/v3/cmd/zlint@v3.6.6', 'zlint');
  if (zlint === undefined) return;
  const results = JSON.parse(await run(zlint, ['-includeSources', 'RFC3279,RFC5280,RFC5480,RFC5891,RFC6962,RFC8813,Community', certificate])) as Record<string, { result: string }>;
  const found = Object.entries(results).filter(([, { result }]) => ['error', 'fatal', 'warn'].includes(result));
  assert.deepEqual(found.map(([name]) => name), ['w_ext_subject_key_identifier_missing_sub_cert']);
});

test('pkilint finds nothing else', TOOL, async (t) => {
  const pkilint = await fromPip(t, 'pkilint==0.13.3', 'lint_pkix_cert');
  if (pkilint === undefined) return;
  const printed = await run(pkilint, ['lint', '--severity', 'WARNING', '--format', 'JSON', certificate], { exit: 1 });
  assert.deepEqual(printed.match(/pkix[.]\w+/g), ['pkix.certificate_skid_end_entity_missing']);
});
