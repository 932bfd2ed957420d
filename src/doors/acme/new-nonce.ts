/** RFC 8555 §7.2: 200 for HEAD, 204 for GET (uacme asks for exactly that); the nonce is in the header of every answer anyway. */
import type { OpenHandler } from './handler.ts';

export const newNonce: OpenHandler = (_, { method }) => ({ status: method === 'GET' ? 204 : 200 });
