/** The one error that reading DER can throw, whoever wrote the bytes. Its message is a plain sentence. */
export class DerError extends Error {
  override readonly name = 'DerError';
}
