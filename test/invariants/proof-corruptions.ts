/** Ways to have a certificate without the proofs for it, or by those of others; see corruptions.ts. */
import type { Corruption } from './corruptions.ts';

const run = (sql: string) => (copy: Parameters<Corruption['make']>[0]): void => copy.run(sql);
const WITHOUT_PROOF = /^I3: certificate .* was meant without a proof for authorization/;

export const PROOFS: readonly Corruption[] = [
  { what: 'an order lost an authorization', found: /^I9: order .* leans on an authorization that is not there/, make: run("update acme_order set authorizations = '[\"nowhere\"]'") },
  { what: 'an order leans on the proof of another account', found: /^I9: order .* leans on the authorization of another account/,
    make: run('update acme_authorization set account = (select max(id) from acme_account)') },
  { what: 'a proof is found under the name of another', found: /^I9: the attempt of authorization .* is found as a proof of something else/, make: run("update acme_attempt set proves = 'x'") },
  { what: 'the proof of a device is found for other orders', found: /^I9: the attempt of authorization .* is found as a proof of something else/,
    make: run("update acme_authorization set type = 'permanent-identifier'") },
  { what: 'a certificate was made for an attempt that failed', found: WITHOUT_PROOF, make: run("update acme_attempt set state = 'invalid'") },
  { what: 'a certificate was made before its proof', found: WITHOUT_PROOF, make: run('update acme_attempt set finished = finished + 86400000') },
  { what: 'a certificate was made on a proof that had expired', found: WITHOUT_PROOF, make: run('update acme_attempt set valid_until = finished') },
  { what: 'an account is found by another key', found: /^I9: account .* is looked up by the digest of another key/, make: run("update acme_account set spki_sha256 = 'x'") },
];
