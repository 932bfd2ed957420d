/** Two first starts at once would each make half of the tokens: the ceremony runs under the lock that the signer holds later. */
import { mkdirSync } from 'node:fs';
import { lockState, SupervisorFault } from '../signing/state-lock.ts';
import { AuthorityFault } from './authority.ts';

/** Held until disposed of, or until this process ends. Throws AuthorityFault when another start holds it. */
export async function lockKeys(stateDirectory: string): Promise<Disposable> {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  try {
    return await lockState(stateDirectory);
  } catch (error) {
    if (!(error instanceof SupervisorFault)) throw error;
    throw new AuthorityFault(`another start is making the keys in ${stateDirectory}: wait until it is ready`);
  }
}
