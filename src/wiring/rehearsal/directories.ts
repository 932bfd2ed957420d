/** Configuration generations as a rehearsal has them: the same digest and the same rules, other URLs, and proofs that count once only. */
import type { Directory, Generation } from '../../config/generation.ts';

/** The directories at another port. What is known under the usual URL (`kid`, above all) is understood as well. */
export function atPort(port: number): (generation: Generation) => Generation {
  return once((directory) => {
    const url = new URL(directory.externalUrl);
    url.port = String(port);
    return { ...directory, externalUrl: url.href.replace(/\/$/, ''), formerUrls: [directory.externalUrl, ...directory.formerUrls] };
  });
}

/** No proof of control is used again (RFC 8555 §7.1.3 leaves that to the server). */
export const withoutReuse = once((directory) => ({ ...directory, limits: { ...directory.limits, validAuthorizationLifetimeMs: 0 } }));

/** Applied to a generation once, however often it is asked for: who has one may remember things by it. */
function once(change: (directory: Directory) => Directory): (generation: Generation) => Generation {
  const changed = new WeakMap<Generation, Generation>();
  return (generation) => {
    let other = changed.get(generation);
    if (other === undefined) {
      other = { ...generation, directories: new Map([...generation.directories].map(([name, directory]) => [name, change(directory)])) };
      changed.set(generation, other);
    }
    return other;
  };
}
