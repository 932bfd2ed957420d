/** The signer's own configuration, made of the operator's: keys, what each may sign, and where its state lives. */
import type { Authority } from '../ca/issuance/issuer-key.ts';
import type { SignerConfig } from '../signing/worker.ts';

export function signerConfig(authority: Authority): SignerConfig {
  const { signer, issuers, profiles } = authority.generation;
  return {
    id: signer.id,
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
