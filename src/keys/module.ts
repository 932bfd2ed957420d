/** The PKCS#11 library in this process: loaded once, initialised as often as needed. */
import { existsSync } from 'node:fs';
import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { asKeyFault, KeyFault } from './errors.ts';

export class KeyModule {
  readonly path: string;
  /** graphene finds slots, sessions and objects; pkcs11js, below it, signs. Both speak to the one library. */
  readonly graphene: graphene.Module;
  readonly native: pkcs11js.PKCS11;
  #initialised = false;

  constructor(path: string) {
    if (!existsSync(path)) throw new KeyFault(`there is no PKCS#11 module at ${path}: install it, or name another as signer.module in ca.yaml`, 'never');
    this.path = path;
    this.native = new pkcs11js.PKCS11();
    try {
      this.native.load(path);
    } catch (error) {
      throw new KeyFault(`${path} is no PKCS#11 module: ${firstLine(error)}`, 'never', undefined, error);
    }
    this.graphene = new graphene.Module(this.native);
  }

  /** Afterwards the library sees tokens as they are now: many libraries list them once, at C_Initialize. */
  initialise(): void {
    this.finalise();
    try {
      // Never without flags: libuv's threads call concurrently. graphene takes "already initialised" for success.
      this.graphene.initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
      this.#initialised = true;
    } catch (error) {
      // Nearly always what the library reads for itself: libraries say no more than that they cannot begin.
      const hint = 'see that its own configuration and its tokens can be read; SoftHSM: the file that SOFTHSM2_CONF names, the directory in it';
      const { message, remedy, returned } = asKeyFault(error, `C_Initialize of ${this.path}`);
      throw new KeyFault(`${message}; ${hint}`, remedy, returned, error);
    }
  }

  /** All sessions and logins are gone afterwards. No call may be under way in another thread. */
  finalise(): void {
    if (!this.#initialised) return;
    this.#initialised = false;
    try {
      this.native.C_Finalize();
    } catch {
      // It was not initialised any more, or is beyond help; C_Initialize will tell.
    }
  }
}

const firstLine = (error: unknown) => String((error as Error).message).split('\n')[0];
