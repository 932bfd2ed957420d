/**
 * What the configuration needs to know of a key's PKCS#11 URI (RFC 7512); finding the key is the signer's business.
 * `pkcs11:token=…;object=…;id=%01?pin-source=file:pins/x.pin`.
 * A PIN in the URI is refused: configurations are copied, mailed and committed.
 */
import { resolve } from 'node:path';
import { didYouMean, shown } from './fault.ts';
import { Unfit } from './schema.ts';
import { statePath } from './values.ts';

export interface KeyUri {
  /** As written, without `?…`: what names the key on every machine. */
  readonly identity: string;
  readonly token?: string;
  /** As written, without `file:`. */
  readonly pinSource?: string;
}

// RFC 7512 §2.3, those that can name a token or a key in it.
const PATH_ATTRIBUTES = ['token', 'manufacturer', 'serial', 'model', 'slot-id', 'object', 'id', 'type'];

/** Throws `Unfit`. No value of a query attribute is ever repeated in a fault: it might be a PIN. */
export function keyUri(text: string): KeyUri {
  const [, identity = '', query = ''] = /^(pkcs11:[^?#]*)(?:\?([^#]*))?$/.exec(text) ?? [];
  if (identity === '') throw new Unfit('is not like pkcs11:token=NAME;object=NAME?pin-source=file:pins/NAME.pin');
  const path = attributes(identity.slice('pkcs11:'.length), ';');
  for (const name of path.keys()) {
    if (!PATH_ATTRIBUTES.includes(name))
      throw new Unfit(`has the attribute ${shown(name)}, which names no key${didYouMean(name, PATH_ATTRIBUTES)}`);
  }
  if (!path.has('object') && !path.has('id')) throw new Unfit('names no key: give its object (label) or its id');
  if (!path.has('token') && !path.has('serial') && !path.has('slot-id'))
    throw new Unfit('names no token: give its token (label) or serial');

  const search = attributes(query, '&');
  if (search.has('pin-value'))
    throw new Unfit('holds a PIN: write it to a file that only the signer reads, and name that file as pin-source');
  for (const name of search.keys()) {
    if (name !== 'pin-source')
      throw new Unfit(`has the attribute ${shown(name)} after "?", where only pin-source is known`);
  }
  const source = search.get('pin-source');
  const token = path.get('token');
  return {
    identity,
    ...(token === undefined ? {} : { token }),
    ...(source === undefined ? {} : { pinSource: pinFile(source) }),
  };
}

/** Only files: a `|command` of RFC 7512 §2.4 would run with the signer's rights. */
function pinFile(source: string): string {
  const file = source.startsWith('file:') ? source.slice('file:'.length) : source;
  if (file === '' || file.startsWith('|') || /^[a-z][a-z0-9+.-]*:/i.test(file))
    throw new Unfit('has a pin-source that is no file: write file:pins/NAME.pin');
  return statePath(file.startsWith('//') ? file.slice(2) : file);
}

function attributes(text: string, separator: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(separator).filter((each) => each !== '')) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (equals < 0) throw new Unfit(`has ${shown(name)} without a value`);
    if (found.has(name)) throw new Unfit(`has the attribute ${shown(name)} twice`);
    found.set(name, decoded(name, part.slice(equals + 1)));
  }
  return found;
}

function decoded(name: string, value: string): string {
  try {
    // The id is octets, not text, so decoding it as UTF-8 may fail; nobody here reads it.
    return name === 'id' ? value : decodeURIComponent(value);
  } catch {
    throw new Unfit(`has ${shown(name)} with a "%" that is not followed by an octet in hexadecimal`);
  }
}

/** The URI as the signer gets it: its pin-source an absolute file. */
export function keyUriFor(uri: KeyUri, stateDirectory: string, pinFileOfEnvironment: string | undefined): string {
  const file = uri.pinSource === undefined ? pinFileOfEnvironment : resolve(stateDirectory, uri.pinSource);
  if (file === undefined) return uri.identity;
  return `${uri.identity}?pin-source=file:${encodeURI(file).replace(/[?#&]/g, encodeURIComponent)}`;
}
