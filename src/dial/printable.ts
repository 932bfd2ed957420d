// Text that came from a stranger, made fit for an error message or a record.

/** Printable ASCII only, everything else as `?`, and at most `cap` characters. */
export function printable(text: string | Uint8Array, cap: number): string {
  const source = typeof text === 'string' ? text : Buffer.from(text.subarray(0, cap + 1)).toString('latin1');
  const clean = source.slice(0, cap).replace(/[^\x20-\x7e]/g, '?');
  return source.length > cap ? `${clean}…` : clean;
}
