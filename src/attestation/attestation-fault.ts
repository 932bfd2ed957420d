/** Why a statement proves nothing: one sentence, fit for the client. */
export class AttestationFault extends Error {
  override readonly name = 'AttestationFault';
}
