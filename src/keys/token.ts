/** One token in use: found, logged in, its keys found and judged, its lanes open. */
import type graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import type { SignatureAlgorithm } from '../x509/algorithm.ts';
import { asKeyFault, KeyFault } from './errors.ts';
import { Lane, SESSION } from './lane.ts';
import type { KeyModule } from './module.ts';
import { type RefusedPins, readPin } from './pin.ts';
import { publicTemplates } from './public-value.ts';
import type { KeyUri } from './uri.ts';

/** A key that shall sign. */
export interface WantedKey {
  readonly id: string;
  readonly uri: KeyUri;
  /** DER SubjectPublicKeyInfo, from the CA certificate: this finds the key. */
  readonly spki: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
}

export class Token {
  readonly label: string;
  readonly lanes: readonly Lane[];
  readonly #serial: string;
  readonly #wanted: readonly [WantedKey, ...WantedKey[]];
  readonly #refused: RefusedPins;
  readonly #session: graphene.Session;
  #handles = new Map<string, Buffer>();

  /**
   * @param wanted keys of one token, at least one
   * @throws KeyFault with one sentence that an operator can act on
   */
  constructor(module: KeyModule, wanted: readonly [WantedKey, ...WantedKey[]], lanes: number, refused: RefusedPins) {
    const slot = findSlot(module, wanted[0].uri);
    const token = slot.getToken();
    this.label = token.label;
    this.#serial = token.serialNumber;
    this.#wanted = wanted;
    this.#refused = refused;
    try {
      // This session signs nothing: it keeps the login alive while lanes come and go.
      this.#session = slot.open(SESSION);
    } catch (error) {
      throw asKeyFault(error, `opening a session with token ${this.label}`);
    }
    this.login();
    this.lanes = Array.from({ length: lanes }, () => new Lane(module, slot));
  }

  /** Of a key that was wanted: what C_SignInit takes. Valid until the next login. */
  handle(id: string): Buffer {
    return this.#handles.get(id) as Buffer;
  }

  has(id: string): boolean {
    return this.#handles.has(id);
  }

  /** Logs in, if need be, and finds the keys anew. @throws KeyFault */
  login(): void {
    this.#presentPin();
    this.#handles = new Map(this.#wanted.map((key) => [key.id, findKey(this.#session, this.label, key)]));
  }

  #presentPin(): void {
    const file = this.#wanted[0].uri.pinFile;
    if (file === undefined) throw new KeyFault(`the key URI of ${this.#wanted[0].id} has no pin-source`, 'never');
    const pin = readPin(file);
    const refusal = `token ${this.label} refused the PIN in ${file}; it is not tried again until that file changes`;
    if (this.#refused.has(this.#serial, pin)) {
      throw new KeyFault(`${refusal} (or its entry in ${this.#refused.file} is removed)`, 'never');
    }
    try {
      this.#session.login(pin);
    } catch (error) {
      const fault = asKeyFault(error, `logging in to token ${this.label}`);
      if (fault.returned === 'CKR_USER_ALREADY_LOGGED_IN') return;
      if (fault.returned?.startsWith('CKR_PIN_') === true) {
        this.#refused.add(this.#serial, pin);
        throw new KeyFault(`${refusal} (${fault.message})`, 'never', fault.returned, error);
      }
      throw fault;
    }
  }
}

/** Which of the wanted keys live in one token: those whose URIs say the same of it. */
export function byToken(wanted: readonly WantedKey[]): readonly [WantedKey, ...WantedKey[]][] {
  const groups = new Map<string, [WantedKey, ...WantedKey[]]>();
  for (const key of wanted) {
    const { token, serial, manufacturer, model, slotId, pinFile } = key.uri;
    const name = JSON.stringify([token, serial, manufacturer, model, slotId, pinFile]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [key]);
    else group.push(key);
  }
  return [...groups.values()];
}

/** By label and serial, never by slot number alone: SoftHSM renumbers. @throws KeyFault */
function findSlot(module: KeyModule, uri: KeyUri): graphene.Slot {
  const found: graphene.Slot[] = [];
  try {
    const slots = module.graphene.getSlots(true);
    for (let index = 0; index < slots.length; index++) {
      const slot = slots.items(index);
      if (matches(slot, uri)) found.push(slot);
    }
  } catch (error) {
    throw asKeyFault(error, 'listing the tokens');
  }
  const asked = [uri.token, uri.serial].filter((part) => part !== undefined).join(', serial ');
  const [slot, another] = found;
  if (slot === undefined) throw new KeyFault(`there is no token ${asked} in any slot of ${module.path}`, 'initialise');
  if (another !== undefined) throw new KeyFault(`several tokens are called ${asked}: name one by serial=`, 'never');
  return slot;
}

function matches(slot: graphene.Slot, uri: KeyUri): boolean {
  if (uri.slotId !== undefined && slot.handle.readUInt32LE(0) !== uri.slotId) return false;
  const token = slot.getToken();
  const said: [string | undefined, string][] = [
    [uri.token, token.label],
    [uri.serial, token.serialNumber],
    [uri.manufacturer, token.manufacturerID],
    [uri.model, token.model],
  ];
  return said.every(([wanted, actual]) => wanted === undefined || wanted === actual.replace(/[\s\0]+$/, ''));
}

/**
 * The private key whose public half is `key.spki`. The label is only held against it: a wrong key under the right label
 * is refused, a second key under the same label does no harm.
 * @throws KeyFault when there is not exactly one, or when it could leave the token
 */
function findKey(session: graphene.Session, label: string, key: WantedKey): Buffer {
  try {
    const ids = new Set<string>();
    for (const template of publicTemplates(key.spki)) {
      for (const object of all(session.find(template))) ids.add((object.get('id') as Buffer).toString('hex'));
      if (ids.size > 0) break;
    }
    const [id, another] = ids;
    if (id === undefined) throw never(`token ${label} holds no key with the public key of ${key.id}'s certificate`);
    if (another !== undefined) throw never(`token ${label} holds the public key of ${key.id} under several ids`);
    const found = all(session.find({ class: pkcs11js.CKO_PRIVATE_KEY, id: Buffer.from(id, 'hex') }));
    const [object, second] = found;
    if (object === undefined) throw never(`token ${label} holds the public key of ${key.id} but no private key to it`);
    if (second !== undefined) throw never(`token ${label} holds ${found.length} private keys with the id ${id}`);
    judge(object, id, key);
    return object.handle;
  } catch (error) {
    throw asKeyFault(error, `finding the key ${key.id} in token ${label}`);
  }
}

function judge(object: graphene.SessionObject, id: string, { uri, id: name }: WantedKey): void {
  const label = object.get('label') as string;
  if (uri.object !== undefined && label !== uri.object) {
    throw never(`the key of ${name} is labelled "${label}", its URI says object=${uri.object}`);
  }
  if (uri.id !== undefined && id !== uri.id) throw never(`the key of ${name} has the id ${id}, its URI says ${uri.id}`);
  if (object.get('extractable') === true) throw never(`the key of ${name} is extractable: it could leave its token`);
  if (object.get('sensitive') !== true) throw never(`the key of ${name} is not sensitive: its token would show it`);
  if (object.get('token') !== true) throw never(`the key of ${name} is a session object, not stored in its token`);
  if (object.get('sign') !== true) throw never(`the key of ${name} may not sign (CKA_SIGN is false)`);
}

function all(found: graphene.SessionObjectCollection): readonly graphene.SessionObject[] {
  return Array.from({ length: found.length }, (_, index) => found.items(index));
}

const never = (message: string) => new KeyFault(message, 'never');
