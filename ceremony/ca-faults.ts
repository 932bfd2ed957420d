/** What a CA certificate must be like, read from its bytes (RFC 5280 §4.2.1, BR §7.1.2.1 and §7.1.2.6): the ceremony's lint. */
import { ALGORITHMS } from '../src/x509/algorithm.ts';
import type { CaFacts } from '../src/x509/ca-certificate.ts';
import type { Certificate } from '../src/x509/certificate.ts';
import { OID } from '../src/x509/oid.ts';
import { publicKeyFault } from '../src/x509/public-key.ts';

/** @returns every fault, as clauses; `facts` is what was meant */
export function caFaults({ tbs, signatureAlgorithm }: Certificate, facts: CaFacts): string[] {
  const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
  const isCritical = (oid: string) => tbs.extension(oid)?.critical === true;
  const algorithm = ALGORITHMS[facts.issuer.algorithm].identifier;
  const checks: [boolean, string][] = [
    [tbs.version === 3, 'it is not of version 3'],
    [/^(?:[0-7][0-9a-f])(?:[0-9a-f]{2}){7,19}$/.test(tbs.serial), 'its serial is not positive and of 8 to 20 octets'],
    [same(tbs.signature, algorithm) && same(signatureAlgorithm, algorithm), 'its algorithm fields differ'],
    [same(tbs.issuer, facts.issuer.subject), 'its issuer name is not that of its issuer'],
    [same(tbs.subject, facts.subject) && tbs.subjectRdns.length > 0, 'its subject is not what was meant'],
    [same(tbs.spki, facts.spki), 'its key is not what was meant'],
    [publicKeyFault(tbs.spki) === undefined, 'its key is not a good one'],
    [tbs.notBefore === facts.notBefore && tbs.notAfter === facts.notAfter, 'its validity is not what was meant'],
    [
      tbs.basicConstraints?.ca === true && isCritical(OID.basicConstraints),
      'basic constraints are not critical CA:TRUE',
    ],
    [tbs.basicConstraints?.pathLength === facts.pathLength, 'its path length is not what was meant'],
    [
      tbs.keyUsage?.usages.toSorted().join() === 'cRLSign,keyCertSign',
      'its key usage is not to sign certificates and CRLs',
    ],
    [isCritical(OID.keyUsage), 'its key usage is not critical'],
    [tbs.subjectKeyId === facts.keyId, 'its subject key identifier is not that of its key'],
    [tbs.authorityKeyId?.keyId === facts.issuer.keyId, 'its authority key identifier is not that of its issuer'],
    [tbs.extendedKeyUsage === undefined && tbs.altNames === undefined, 'it has extensions that a CA does not have'],
    [!tbs.issuerUniqueId && !tbs.subjectUniqueId, 'it has unique identifiers'],
  ];
  return checks.filter(([holds]) => !holds).map(([, fault]) => fault);
}
