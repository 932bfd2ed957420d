/** The signer's own configuration, made of the operator's: keys, what each may sign, and where its state lives. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority } from '../ca/issuance/issuer-key.ts';
import type { Generation } from '../config/generation.ts';
import type { SignerConfig } from '../signing/worker.ts';

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
        profiles: issuer.state === 'retired' ? [] : issuer.profiles.flatMap((name) => profiles.get(name)?.shape ?? []),
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
