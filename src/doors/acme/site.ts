/** One ACME directory as requests and answers see it: its settings, and the URLs under which it is and was known. */
import type { Directory, Generation } from '../../config/generation.ts';

export interface Site {
  readonly realm: string;
  readonly directory: Directory;
  /** `https://host[:port]/acme[/d/NAME]`: what all URLs in answers begin with, never taken from the Host header. */
  readonly base: string;
  /** `base`, and the same below each former external URL: accepted in `url` and `kid`. */
  readonly bases: readonly string[];
  /** What the profiles on offer are, for people (draft-ietf-acme-profiles). */
  readonly profiles: Readonly<Record<string, string>>;
  /** Digest of the configuration under which an order is made. */
  readonly generation: string;
}

const sitesOf = new WeakMap<Generation, Map<string, Site>>();

/** The directory called `name` (`default` for /acme itself), as the given generation has it. */
export function siteOf(generation: Generation, name: string): Site | undefined {
  let sites = sitesOf.get(generation);
  if (sites === undefined) {
    sites = new Map([...generation.directories.values()].map((directory) => [directory.name, describe(generation, directory)]));
    sitesOf.set(generation, sites);
  }
  return sites.get(name);
}

function describe(generation: Generation, directory: Directory): Site {
  const bases = [directory.externalUrl, ...directory.formerUrls].map((url) => `${url}${directory.path}`);
  const profiles = Object.fromEntries(directory.profiles.map((name) => [name, generation.profiles.get(name)?.description ?? name]));
  return { realm: generation.realm, directory, base: bases[0] as string, bases, profiles, generation: generation.digest };
}
