/**
 * Who may import whom. Each rule is a sentence of docs/architecture.md; test/project/import-rules.test.ts
 * plants one violation of each and sees it found.
 *
 * "Parts" are handed to each other by wiring, so a type may cross where a value may not: `typesAreFree`.
 */
const PURE = '^src/(x509|lint|merkle|cbor|attestation)/';
const CLOCK = '^src/clock[.]ts$';
const WIRING = '^src/(main|wiring[^/]*)[.]ts$|^src/wiring/';
/** Commands of the signer's operator: it is started, and told of a restore, by them. */
const SIGNER_ENTRY = '^src/cli/(signer|restore)[.]ts$';
const SOCKETS = '^(node:)?(http|https|http2|net|tls|dns|dgram)(/|$)';
const SQL = 'node_modules/(knex|pg|better-sqlite3)/';
const typesAreFree = { dependencyTypesNot: ['type-only'] };

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
/** Only the files that match `importers` may import `target`. */
const only = (name, comment, importers, target) =>
  rule(name, comment, { path: '^(src|ceremony|migrations)/', pathNot: importers }, target);

export default {
  forbidden: [
    rule('no-cycles', 'No two files need each other to run.', {}, { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }),
    rule('imports-resolve', 'What is imported exists.', { path: '^(src|ceremony|migrations|test|scripts)/' }, { couldNotResolve: true }),

    // The pure floor.
    rule('pure-stays-pure', 'The pure folders x509, lint, merkle, cbor and attestation import only each other.',
      { path: PURE }, { path: '^(src|ceremony|migrations)/', pathNot: PURE }),
    rule('pure-does-no-io', 'They turn bytes into facts: of Node.js they know only node:crypto, for hashing and verifying.',
      { path: PURE }, { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer|util|url)$' }),
    rule('clock-is-a-leaf', 'The clock imports nothing.', { path: CLOCK }, {}),

    // The doors.
    rule('doors-are-strangers', 'A door may be deleted without another noticing.',
      { path: '^src/doors/([^/]+)/' }, { path: '^src/doors/', pathNot: '^src/doors/$1/' }),
    rule('doors-ask-at-the-counter', 'Of the CA a door imports ca/index.ts only.',
      { path: '^src/doors/' }, { path: '^src/ca/', pathNot: '^src/ca/index[.]ts$' }),
    rule('doors-see-little', 'Beside the counter a door imports http, identity, telemetry, the pure folders and the clock; of what it is handed, types.',
      { path: '^src/doors/' },
      { path: '^(src|ceremony|migrations)/', pathNot: [PURE, CLOCK, '^src/(doors|ca|http|identity|validation|database|config|telemetry)/'] }),
    rule('only-acme-validates', 'Dialling a host that a stranger named is asked for in one place.',
      { path: '^src/', pathNot: ['^src/(validation|doors/acme)/', WIRING] }, { path: '^src/validation/' }),

    // The CA.
    rule('ca-knows-no-door', 'The CA decides; it never learns which protocol asked.',
      { path: '^src/ca/' }, { path: '^src/(doors|http|identity|cli|jobs|validation)/' }),
    rule('ca-sees-little', 'The CA imports the signing client, telemetry, the pure folders and the clock; of what it is handed, types.',
      { path: '^src/ca/' },
      { path: '^(src|ceremony|migrations)/', pathNot: [PURE, CLOCK, '^src/(ca|telemetry|database|config|signing|dial|doors|http|identity|cli|jobs|validation)/'] }),
    rule('jobs-ask-at-the-counter', 'A job is given what it runs; of the CA it imports ca/index.ts only, of doors and keys nothing.',
      { path: '^src/jobs/' }, { path: '^src/(doors|http|validation|keys|signing|dial)/|^src/ca/(?!index[.]ts$)' }),

    // What can sign, and what can reach out.
    only('only-signing-and-ceremony-hold-keys', 'The importers of keys/ are the list of what can sign.',
      '^src/(keys|signing)/|^ceremony/', { path: '^src/keys/' }),
    only('signing-is-asked-through-its-client', 'Signatures are asked for through signing/client.ts.',
      ['^src/signing/', SIGNER_ENTRY, WIRING], { path: '^src/signing/', pathNot: '^src/signing/client[.]ts$' }),
    only('only-the-ca-asks-for-signatures', 'Nothing but the CA asks for a signature.',
      ['^src/(signing|ca)/', SIGNER_ENTRY, WIRING], { path: '^src/signing/' }),
    rule('signing-sees-little', 'The signer knows keys, the pure folders and the clock.',
      { path: '^src/signing/' }, { path: '^(src|ceremony|migrations)/', pathNot: [PURE, CLOCK, '^src/(signing|keys)/'], ...typesAreFree }),
    only('only-these-dial', 'The importers of dial/ are the list of what can reach out.',
      ['^src/(dial|validation|ca/ct)/', WIRING], { path: '^src/dial/', ...typesAreFree }),
    only('sockets-in-few-places', 'Sockets are opened by http (callers), dial (strangers), signing and cli (Unix sockets between our own processes).',
      ['^src/(http|dial|signing|cli)/', WIRING], { path: SOCKETS, ...typesAreFree }),

    // What the CA stands on.
    rule('resources-never-look-up', 'Each of these touches one kind of outside thing and is used, never using.',
      { path: '^src/(signing|keys|http|dial|validation|identity|database|config|telemetry)/' }, { path: '^src/(doors|ca|jobs|cli)/' }),
    rule('resources-stand-alone', 'They do not build on each other, except validation on dial, and signing on keys; all may report to telemetry.',
      { path: '^src/(keys|http|dial|validation|identity|database|config|telemetry)/' },
      { path: '^src/(signing|keys|http|dial|validation|identity|database|config|telemetry)/', pathNot: ['^src/$1/', '^src/telemetry/', '^src/dial/'], ...typesAreFree }),
    rule('sql-only-in-stores', 'To see every query, list the files named store.ts. Ids and errors hold no SQL.',
      { path: '^src/', pathNot: ['^src/database/', '/store[.]ts$', '^src/cli/', WIRING] },
      { path: '^src/database/', pathNot: '^src/database/(public-id|errors)[.]ts$', ...typesAreFree }),
    rule('configuration-is-handed-over', 'Wiring and the command line load the configuration; everybody else is handed it, and knows its types.',
      { path: '^src/', pathNot: ['^src/(config|cli)/', WIRING] }, { path: '^src/config/', ...typesAreFree }),
    rule('migrations-see-little', 'A migration knows how to describe tables, and nothing of the program that it will outlive.',
      { path: '^migrations/' }, { path: '^(src|ceremony)/', pathNot: '^src/database/', ...typesAreFree }),
    only('only-the-database-migrates', 'Migrations are run by the migrator.',
      ['^migrations/', '^src/database/'], { path: '^migrations/' }),

    // Foreign packages, each in its place.
    only('koa-only-in-http', 'A door hands http a route table.', '^src/http/', { path: 'node_modules/(koa|@koa)/', ...typesAreFree }),
    only('sql-packages-only-in-database', 'One folder speaks to the engines.', '^(src/database|migrations)/', { path: SQL }),
    only('asn1-only-in-x509', 'DER is read and written in one folder.', '^src/x509/', { path: 'node_modules/(pkijs|asn1js|@peculiar)/' }),
    only('pkcs11-only-in-keys', 'PKCS#11 is spoken in one folder.', '^src/keys/', { path: 'node_modules/(graphene-pk11|pkcs11js)/' }),
    only('logs-and-metrics-only-in-telemetry', 'An event is one function that logs and counts.', '^src/telemetry/', { path: 'node_modules/(pino|prom-client)/', ...typesAreFree }),
    only('ships-without-development-packages', 'What runs needs only what `npm ci --omit=dev` installs.',
      '^$', { path: 'node_modules/', dependencyTypes: ['npm-dev'], ...typesAreFree }),

    // Who joins the parts.
    rule('only-wiring-wires', 'Parts receive their neighbours; they never build them. Only main and cli ask for the wiring.',
      { path: '^(src|ceremony|migrations)/', pathNot: [WIRING, '^src/cli/'] }, { path: WIRING }),
    rule('only-main-and-wiring-use-the-command-line', 'A command is an end, not a means.',
      { path: '^(src|ceremony|migrations)/', pathNot: [WIRING, '^src/cli/'] }, { path: '^src/cli/' }),

    // The ceremony runs on a machine that is offline.
    rule('ceremony-reaches-no-network', 'Nothing that a ceremony can reach opens a socket or a database.',
      { path: '^ceremony/' }, { path: `${SOCKETS}|${SQL}|node_modules/koa/`, reachable: true }),
    rule('ceremony-sees-little', 'A ceremony knows keys and the pure folders.',
      { path: '^ceremony/' }, { path: '^(src|migrations)/', pathNot: [PURE, CLOCK, '^src/keys/'] }),
    only('only-setup-holds-ceremonies', 'The running server holds no ceremony; wiring and the command line may start one.',
      ['^ceremony/', '^src/cli/', WIRING], { path: '^ceremony/' }),

    rule('nothing-imports-tests', 'Tests and scripts look at the program, not the other way.',
      { path: '^(src|ceremony|migrations)/' }, { path: '^(test|scripts)/' }),
  ],
  options: { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' }, tsConfig: { fileName: 'tsconfig.json' } },
};
