/** The signer's own configuration, made of the operator's: keys, what each may sign, and where its state lives. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority } from '../ca/issuance/issuer-key.ts';
import type { Generation } from '../config/generation.ts';
import type { SignerConfig } from '../signing/worker.ts';
import { isResponder } from '../x509/shape.ts';

export function signerConfig(authority: Authority): SignerConfig {
  const { signer, issuers, profiles, digest } = authority.generation;
  return {
    id: signer.id,
    configuration: digest,
    stateDirectory: signer.stateDirectory,
    socket: signer.socket,
    module: signer.module,
    callDeadlineMs: signer.callDeadlineMs,
    queue: signer.queue,
    ...(signer.lanes === undefined ? {} : { lanes: signer.lanes }),
    keys: [...issuers.values()].map((issuer) => {
      const key = authority.issuerKeys.get(issuer.id);
      if (key === undefined) throw new Error(`issuer ${issuer.id} has no certificate`);
      return {
        issuer: key.shape,
        uri: issuer.keyUri,
        ratePerSecond: issuer.ratePerSecond,
        ...(issuer.permittedNames === undefined ? {} : { permittedNames: issuer.permittedNames }),
        // A retired key signs the certificates of its responder, and no others.
        profiles: issuer.profiles.flatMap((name) => profiles.get(name)?.shape ?? []).filter((shape) => issuer.state === 'active' || isResponder(shape)),
        ...(issuer.ocsp === undefined || key.responder === undefined ? {} : {
          responder: { uri: issuer.ocsp.keyUri, spki: key.responder.spki, algorithm: key.responder.algorithm, ratePerSecond: issuer.ocsp.ratePerSecond },
        }),
      };
    }),
  };
}

/** In development SoftHSM finds the ceremony's tokens through a configuration file of our own. */
export function environmentOfWorker({ mode, stateDirectory }: Generation): NodeJS.ProcessEnv {
  const conf = join(stateDirectory, 'softhsm2.conf');
  if (mode !== 'development' || process.env['SOFTHSM2_CONF'] !== undefined || !existsSync(conf)) return process.env;
  return { ...process.env, SOFTHSM2_CONF: conf };
}
