/** Web servers that get their certificates themselves, seen from outside: what they present at a name, to whom trusts our root alone. */
import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import type { World } from '../support/world.ts';

/** The certificate that is served for `name` on a port of this machine; undefined where there is none that our root vouches for. */
export function servedCertificate(world: World, port: number, name: string): Promise<X509Certificate | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername: name, ca: readFileSync(world.rootFile), timeout: 2000 });
    const end = (found?: X509Certificate): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('secureConnect', () => end(socket.getPeerX509Certificate()));
    socket.once('timeout', () => end());
    socket.once('error', () => end());
  });
}
