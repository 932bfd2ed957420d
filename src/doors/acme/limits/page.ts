/** The page behind an unpause link: for people, so plain HTML that runs no script. Looking at it changes nothing; its button does. */
import type { HttpReply } from '../../../http/route.ts';
import type { Acme } from '../handler.ts';
import type { Site } from '../site.ts';
import { accountOfLink } from './pause.ts';
import { pausedNames, unpause } from './store.ts';

type Parts = Pick<Acme, 'database' | 'seal' | 'clock' | 'random'>;

/** `site` is undefined when there is no such directory: then no link is good. */
export async function unpausePage({ database, seal, clock, random }: Parts, site: Site | undefined, method: 'GET' | 'POST', token: string): Promise<HttpReply> {
  const account = site && accountOfLink(seal, site, token, clock.now());
  if (site === undefined || account === undefined) {
    return page(404, 'This link does not work', paragraph('It was cut short, or is older than two weeks. Let the client try once more: the error that it gets holds a new one.'));
  }
  const names = await pausedNames(database, account);
  const who = paragraph(`Account <code>${account}</code>, directory <code>${escaped(site.directory.name)}</code>.`);
  if (names.length === 0) return page(200, 'Nothing is paused', who + paragraph('This account may order all its names. You can close this page.'));
  if (method === 'GET') {
    return page(200, 'Paused names', `${who}${paragraph(
      'The client that uses this account has failed to prove these names many times in a row, without one success. Until somebody looks at it, it may not order them:',
    )}${listOf(names)}${paragraph('See that the client, its DNS records and its web server are as they should be. Then:')}
<form method="post"><button>Let it try again</button></form>`);
  }
  await unpause(database, site.realm, account, 'link', clock.now(), random);
  return page(200, 'It may try again', `${who}${paragraph('These names can be ordered again, at once:')}${listOf(names)}`);
}

const paragraph = (text: string): string => `<p>${text}</p>`;
const listOf = (names: readonly string[]): string => `<ul>${names.map((name) => `<li><code>${escaped(name.slice(name.indexOf(':') + 1))}</code></li>`).join('')}</ul>`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem}code{background:#f0f0f0;padding:.1em .3em;border-radius:3px;overflow-wrap:anywhere}li{margin:.2rem 0}
button{font:inherit;font-weight:600;padding:.6rem 1.2rem;border:0;border-radius:6px;background:#1a56b0;color:#fff;cursor:pointer}button:focus-visible{outline:3px solid #9cc2ff}
@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#16181c}code{background:#2a2d33}}`;

const page = (status: number, title: string, body: string): HttpReply => ({
  status,
  headers: {
    'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  },
  body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>${body}</body></html>
`,
});
