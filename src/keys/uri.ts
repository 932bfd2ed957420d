/** PKCS#11 URIs (RFC 7512): which key in which token, and where its PIN is kept. */

export interface KeyUri {
  readonly token?: string;
  readonly serial?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly slotId?: number;
  /** CKA_LABEL */
  readonly object?: string;
  /** CKA_ID, lower-case hex */
  readonly id?: string;
  /** Absolute path of the file that holds the PIN. */
  readonly pinFile?: string;
  /** Path of the PKCS#11 library. */
  readonly modulePath?: string;
}

/** The URI is not one that names a key; `message` says what is wrong and never repeats a PIN. */
export class KeyUriFault extends Error {
  override readonly name = 'KeyUriFault';
}

const PATH_ATTRIBUTES: readonly string[] = [
  'token',
  'serial',
  'manufacturer',
  'model',
  'slot-id',
  'object',
  'id',
  'type',
];

/**
 * @throws KeyUriFault when the text is no PKCS#11 URI, names an attribute we do not know (RFC 7512 §2.3: must not be
 * ignored), names neither token nor serial, or neither object nor id, or carries the PIN itself
 */
export function parseKeyUri(text: string): KeyUri {
  const match = /^pkcs11:([^?#]*)(?:\?([^#]*))?$/.exec(text);
  if (match === null) throw new KeyUriFault('a key URI starts with pkcs11: and has no fragment');
  const path = attributes(match[1] ?? '', ';', PATH_ATTRIBUTES);
  const query = attributes(match[2] ?? '', '&', ['pin-source', 'pin-value', 'module-path']);
  if (query.has('pin-value'))
    throw new KeyUriFault('pin-value is refused: put the PIN into a file, name it by pin-source');
  if (!path.has('token') && !path.has('serial'))
    throw new KeyUriFault('the key URI names no token (token= or serial=)');
  if (!path.has('object') && !path.has('id')) throw new KeyUriFault('the key URI names no key (object= or id=)');
  const type = path.get('type')?.toString();
  if (type !== undefined && type !== 'private')
    throw new KeyUriFault(`type=${type} cannot sign, only type=private can`);
  const slot = path.get('slot-id')?.toString();
  if (slot !== undefined && !/^\d{1,10}$/.test(slot)) throw new KeyUriFault(`slot-id=${slot} is no number`);
  const pinFile = fileOf(query.get('pin-source')?.toString());
  return {
    ...named('token', path.get('token')?.toString()),
    ...named('serial', path.get('serial')?.toString()),
    ...named('manufacturer', path.get('manufacturer')?.toString()),
    ...named('model', path.get('model')?.toString()),
    ...named('slotId', slot === undefined ? undefined : Number(slot)),
    ...named('object', path.get('object')?.toString()),
    ...named('id', path.get('id')?.toString('hex')),
    ...named('pinFile', pinFile),
    ...named('modulePath', query.get('module-path')?.toString()),
  };
}

function named<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function attributes(text: string, separator: string, known: readonly string[]): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const part of text === '' ? [] : text.split(separator)) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(equals, 0));
    if (!known.includes(name)) throw new KeyUriFault(`unknown attribute in the key URI: ${name || part}`);
    if (found.has(name)) throw new KeyUriFault(`${name} stands twice in the key URI`);
    found.set(name, percentDecoded(part.slice(equals + 1), name));
  }
  return found;
}

/** Bytes, not text: CKA_ID need not be UTF-8. */
function percentDecoded(text: string, name: string): Buffer {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) throw new KeyUriFault(`${name} has a bad % escape`);
  const bytes = text.replace(
    /%([0-9a-fA-F]{2})|([^%]+)/g,
    (_, escaped: string | undefined, plain: string | undefined) => escaped ?? Buffer.from(plain ?? '').toString('hex'),
  );
  return Buffer.from(bytes, 'hex');
}

/** RFC 7512 §2.4: pin-source is an absolute path or a file: URI; commands (`|prog`) are refused. */
function fileOf(source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  const path = source.replace(/^file:(\/\/(localhost)?(?=\/))?/, '');
  if (!path.startsWith('/')) throw new KeyUriFault('pin-source must be an absolute path or a file: URI');
  return path;
}
