/** Where the database is. The URL may hold a password, so no fault and no display ever repeats it. */
import { resolve } from 'node:path';
import { Unfit } from './schema.ts';
import { statePath } from './values.ts';

export interface DatabaseLocation {
  readonly engine: 'sqlite' | 'postgres';
  /** As written. May hold a password. */
  readonly url: string;
}

/** Throws `Unfit`, without the text. */
export function databaseUrl(text: string): DatabaseLocation {
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length);
    if (path === '' || path.startsWith('//') || path === ':memory:')
      throw new Unfit('is not like sqlite:chancery.db or sqlite:/path/to/chancery.db');
    statePath(path);
    return { engine: 'sqlite', url: text };
  }
  if (!/^postgres(ql)?:\/\//.test(text)) throw new Unfit('is neither sqlite:FILE nor postgres://USER@HOST/DATABASE');
  if (!URL.canParse(text)) throw new Unfit('is no URL: characters such as @ / : in a password must be percent-encoded');
  if (new URL(text).pathname.length < 2) throw new Unfit('names no database: write postgres://USER@HOST/DATABASE');
  return { engine: 'postgres', url: text };
}

/** As it is opened: the path of an SQLite file made absolute. */
export function databaseUrlFor({ engine, url }: DatabaseLocation, stateDirectory: string): string {
  return engine === 'sqlite' ? `sqlite:${resolve(stateDirectory, url.slice('sqlite:'.length))}` : url;
}

/** Fit for display: without a password, wherever a PostgreSQL URL may carry one. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url) || url.startsWith('sqlite:')) return url;
  const shown = new URL(url);
  shown.password = '';
  for (const name of [...shown.searchParams.keys()]) if (/pass/i.test(name)) shown.searchParams.delete(name);
  return shown.href;
}
