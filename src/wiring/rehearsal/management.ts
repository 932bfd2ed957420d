/** What Pebble's management interface has of use where keys are in an HSM: the certificates that a test has to trust. */
import type { Ca } from '../../ca/index.ts';
import type { Generation } from '../../config/generation.ts';
import type { Door, HttpReply } from '../../http/route.ts';
import { encodePem } from '../../x509/pem.ts';

/** `/roots/0` and `/intermediates/0` are those of the default directory; the other issuer keys follow. */
export function managementDoor(ca: Pick<Ca, 'rootOf' | 'chain'>, generation: () => Generation): Door {
  const certificate = (find: (issuerKey: string) => Uint8Array | undefined) => ({ params }: { params: Readonly<Record<string, string | undefined>> }): HttpReply => {
    const issuerKey = issuerKeys(generation())[Number(params['number'])];
    const der = issuerKey === undefined ? undefined : find(issuerKey);
    return der === undefined ? told(404, 'There is no such certificate.') : { ...told(200, encodePem('CERTIFICATE', der).trimEnd()), headers: PEM };
  };
  const noKey = (): HttpReply => told(403, 'Private keys are in the HSM, and are never given.');
  return {
    name: 'management',
    routes: [
      { method: 'GET', path: '/roots/:number', handle: certificate((issuerKey) => ca.rootOf(issuerKey)) },
      { method: 'GET', path: '/intermediates/:number', handle: certificate((issuerKey) => ca.chain(issuerKey)[0]) },
      { method: 'GET', path: '/root-keys/:number', handle: noKey },
      { method: 'GET', path: '/intermediate-keys/:number', handle: noKey },
    ],
  };
}

function issuerKeys({ directories, profiles, groups, issuers }: Generation): string[] {
  const directory = directories.get('default');
  const first = groups.get(directory?.group ?? profiles.get(directory?.defaultProfile ?? '')?.group ?? '')?.active;
  return [...new Set([...(first === undefined ? [] : [first]), ...issuers.keys()])];
}

const PEM = { 'Content-Type': 'application/pem-certificate-chain' };

const told = (status: number, body: string): HttpReply => ({ status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: `${body}\n` });
