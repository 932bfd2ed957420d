/**
 * What a PKCS#11 error asks for. One table; everything else asks it. The four remedies:
 *   session     the session is lost: close it, open another, try again once
 *   login       log in again, find the keys again, try again once
 *   initialise  C_Finalize, C_Initialize, and open everything again
 *   never       trying again makes it worse (a PIN counter) or cannot help (a wrong mechanism): tell the operator
 */
export type Remedy = 'session' | 'login' | 'initialise' | 'never';

/** PKCS#11 v3.1 §3.6 return values that we have an opinion on; any other asks for `initialise`. */
const REMEDIES = {
  CKR_HOST_MEMORY: 'session',
  CKR_GENERAL_ERROR: 'initialise',
  CKR_FUNCTION_FAILED: 'initialise',
  CKR_ARGUMENTS_BAD: 'never',
  CKR_DATA_LEN_RANGE: 'never',
  CKR_DEVICE_ERROR: 'initialise',
  CKR_DEVICE_MEMORY: 'initialise',
  CKR_DEVICE_REMOVED: 'initialise',
  CKR_FUNCTION_CANCELED: 'session',
  CKR_KEY_HANDLE_INVALID: 'login', // a logout elsewhere voids the handles too: find the keys again
  CKR_KEY_TYPE_INCONSISTENT: 'never',
  CKR_KEY_FUNCTION_NOT_PERMITTED: 'never',
  CKR_MECHANISM_INVALID: 'never',
  CKR_MECHANISM_PARAM_INVALID: 'never',
  CKR_OBJECT_HANDLE_INVALID: 'login',
  CKR_OPERATION_ACTIVE: 'session',
  CKR_OPERATION_NOT_INITIALIZED: 'session',
  CKR_PIN_INCORRECT: 'never',
  CKR_PIN_INVALID: 'never',
  CKR_PIN_LEN_RANGE: 'never',
  CKR_PIN_EXPIRED: 'never',
  CKR_PIN_LOCKED: 'never',
  CKR_SESSION_CLOSED: 'session',
  CKR_SESSION_COUNT: 'initialise',
  CKR_SESSION_HANDLE_INVALID: 'session',
  CKR_TOKEN_NOT_PRESENT: 'initialise',
  CKR_TOKEN_NOT_RECOGNIZED: 'initialise',
  CKR_USER_ALREADY_LOGGED_IN: 'never', // treated as success where it is one
  CKR_USER_NOT_LOGGED_IN: 'login',
  CKR_USER_PIN_NOT_INITIALIZED: 'never',
  CKR_BUFFER_TOO_SMALL: 'session',
  CKR_CRYPTOKI_NOT_INITIALIZED: 'initialise',
} as const satisfies Record<`CKR_${string}`, Remedy>;

/** A key cannot be used; `message` is one sentence for the operator. Never holds a PIN. */
export class KeyFault extends Error {
  override readonly name = 'KeyFault';
  readonly remedy: Remedy;
  /** The return value (`CKR_PIN_INCORRECT`), undefined when the fault was found by us. */
  readonly returned: string | undefined;

  constructor(message: string, remedy: Remedy, returned?: string, cause?: unknown) {
    super(message, { cause });
    this.remedy = remedy;
    this.returned = returned;
  }
}

/**
 * @param error what pkcs11js or graphene threw; both put `CKR_NAME:number` into message or stack
 * @param doing what was tried, as the start of the sentence: `C_SignInit`
 * @returns the error as a KeyFault; one that is a KeyFault already is returned as it is
 */
export function asKeyFault(error: unknown, doing: string): KeyFault {
  if (error instanceof KeyFault) return error;
  const { message, stack } = error as Error;
  const returned = /CKR_[A-Z_]+/.exec(`${message} ${stack}`)?.[0];
  const remedy = (REMEDIES as Record<string, Remedy>)[returned ?? ''] ?? 'initialise';
  return new KeyFault(`${doing} failed: ${returned ?? message.split('\n')[0]}`, remedy, returned, error);
}
