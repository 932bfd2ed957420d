/** Every kind of fault, as an operator would make it: one line with file, key and remedy, all of them at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultReport } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Changes, ConfigDirectory, SHIPPED } from './config-directory.ts';

interface Case {
  readonly name: string;
  readonly changes: Changes;
  readonly environment?: Record<string, string>;
  readonly faults: readonly string[];
}

const POSTGRES = 'postgres://chancery:s3cret@db.internal/chancery';

const FILES: readonly Case[] = [
  { name: 'a missing ca.yaml', changes: { 'ca.yaml': null }, faults: ['ca-config/ca.yaml: does not exist'] },
  {
    name: 'a missing folder', changes: { policy: null },
    faults: [
      'ca-config/ca.yaml: directories.default.policies[0]: policy "private-names" does not exist; there are none',
      'ca-config/policy: does not exist',
    ],
  },
  { name: 'a folder with a misspelt name', changes: { polices: 'x' }, faults: ['ca-config/polices: is not read (did you mean "policy"?); known are ca.yaml, issuers/, profiles/, policy/'] },
  { name: 'a file that ends in yml', changes: { 'profiles/web.yml': 'description: web' }, faults: ['ca-config/profiles/web.yml: is not read: call it web.yaml'] },
  {
    name: 'a file whose name is no name', changes: { 'policy/My_Policy.yaml': 'description: x\nallow: { names: [a.test] }' },
    faults: ['ca-config/policy/My_Policy.yaml: "My_Policy" is not a name: lower-case letters, digits and inner hyphens, at most 63'],
  },
  { name: 'an empty file', changes: { 'policy/devices.yaml': '' }, faults: ['ca-config/policy/devices.yaml: is empty'] },
  { name: 'a file that is a list', changes: { 'policy/devices.yaml': '- a' }, faults: ['ca-config/policy/devices.yaml: ["a"] is not a mapping of keys to values'] },
  { name: 'no YAML at all', changes: { 'policy/devices.yaml': 'description: [a' }, faults: ['ca-config/policy/devices.yaml: line 1, column 16: Flow sequence in block collection must be sufficiently indented and end with a ]'] },
  { name: 'a duplicate key', changes: { 'policy/devices.yaml': 'description: a\ndescription: b\n' }, faults: ['ca-config/policy/devices.yaml: line 2, column 1: Map keys must be unique'] },
  { name: 'a tag that means code elsewhere', changes: { 'policy/devices.yaml': 'description: !!js/function "x"\nallow: { names: [a.test] }' }, faults: ['ca-config/policy/devices.yaml: line 1, column 14: Unresolved tag: tag:yaml.org,2002:js/function'] },
  { name: 'a wildcard without quotes', changes: { 'policy/devices.yaml': 'description: a\nallow:\n  names:\n    - *.corp.test\n' }, faults: ['ca-config/policy/devices.yaml: line 4, column 7: *.corp.test refers to nothing; a name that begins with * stands in quotes: "*.corp.test"'] },
  {
    name: 'aliases that grow into everything', changes: { 'policy/devices.yaml': `a: &a [1, 1]\nb: &b [${'*a, '.repeat(20)}]\nc: [${'*b, '.repeat(20)}]\n` },
    faults: ['ca-config/policy/devices.yaml: repeats itself by aliases more than 50 times'],
  },
  { name: 'hidden files and what editors leave behind are passed over', changes: { '.ca.yaml.swp': 'x', 'policy/.hidden.yaml': 'x', 'policy/devices.yaml~': 'x', 'README.md': 'x' }, faults: [] },
];

const VALUES: readonly Case[] = [
  { name: 'a duration without unit', changes: { 'profiles/device.yaml': [['validity: 160h', 'validity: "90"']] }, faults: ['ca-config/profiles/device.yaml: validity: "90" is not like 90d or 12h'] },
  { name: 'a duration that YAML reads as a number', changes: { 'profiles/device.yaml': [['validity: 160h', 'validity: 90']] }, faults: ['ca-config/profiles/device.yaml: validity: "90" is not like 90d or 12h'] },
  { name: 'an endless duration', changes: { 'profiles/device.yaml': [['maxValidity: 90d', 'maxValidity: 99999d']] }, faults: ['ca-config/profiles/device.yaml: maxValidity: "99999d" is more than ten years'] },
  { name: 'an unknown key, with the nearest', changes: { 'profiles/device.yaml': [['maxNames', 'maxName']] }, faults: ['ca-config/profiles/device.yaml: maxName: is no key here (did you mean "maxNames"?)'] },
  {
    name: 'an unknown key like no other', changes: { 'ca.yaml': [['  # lanes: 8', '  zzz: 8']] },
    faults: ['ca-config/ca.yaml: signer.zzz: is no key here; known are id, socket, stateDirectory, module, lanes, callDeadline, queue'],
  },
  { name: 'a key of the prototype', changes: { 'profiles/device.yaml': [['maxNames: 10', 'constructor: 10']] }, faults: ['ca-config/profiles/device.yaml: constructor: is no key here; known are description, group, internal, hold, names, maxNames, spiffe, subject, keyUsage, rsaKeyUsage, extendedKeyUsage, validity, maxValidity, backdate, renewal, revocation, ocsp'] },
  { name: 'a missing key', changes: { 'profiles/device.yaml': [['description: Device\n', '']] }, faults: ['ca-config/profiles/device.yaml: description: is missing'] },
  { name: 'a missing key deeper down', changes: { 'ca.yaml': [[/ {2}module:\n( {4}- .*\n)+/, '']] }, faults: ['ca-config/ca.yaml: signer.module: is missing'] },
  { name: 'a word that is not in the vocabulary', changes: { 'profiles/device.yaml': [['[clientAuth]', '[clientauth]']] }, faults: ['ca-config/profiles/device.yaml: extendedKeyUsage[0]: "clientauth" is not one of serverAuth, clientAuth, ocspSigning (did you mean "clientAuth"?)'] },
  { name: 'an empty list', changes: { 'profiles/device.yaml': [['[digitalSignature]', '[]']] }, faults: ['ca-config/profiles/device.yaml: keyUsage: is an empty list'] },
  { name: 'an entry that is there twice', changes: { 'profiles/device.yaml': [['[dns, ip, uri]', '[dns, ip, dns]']] }, faults: ['ca-config/profiles/device.yaml: names[2]: "dns" is there twice'] },
  { name: 'a number that is text', changes: { 'profiles/device.yaml': [['maxNames: 10', 'maxNames: ten']] }, faults: ['ca-config/profiles/device.yaml: maxNames: "ten" is not a number'] },
  { name: 'a broken number', changes: { 'profiles/device.yaml': [['maxNames: 10', 'maxNames: 1.5']] }, faults: ['ca-config/profiles/device.yaml: maxNames: 1.5 is not a whole number'] },
  { name: 'no shards', changes: { 'issuers/development.yaml': [['shards: 8', 'shards: 0']] }, faults: ['ca-config/issuers/development.yaml: shards: 0 is less than 1'] },
  { name: 'a truth that is text', changes: { 'profiles/self.yaml': [['internal: true', 'internal: yes']] }, faults: ['ca-config/profiles/self.yaml: internal: "yes" is not true or false'] },
  { name: 'a listener without port', changes: { 'ca.yaml': [['127.0.0.1:8443', '127.0.0.1']] }, faults: ['ca-config/ca.yaml: listeners.acme: "127.0.0.1" is not like 127.0.0.1:8443 or [::1]:8443'] },
  { name: 'a listener on a host name', changes: { 'ca.yaml': [['127.0.0.1:8443', 'ca.internal:8443']] }, faults: ['ca-config/ca.yaml: listeners.acme: "ca.internal" is not an IP address'] },
  { name: 'neither auto nor a number', changes: { 'ca.yaml': [['fronts: auto', 'fronts: many']] }, faults: ['ca-config/ca.yaml: fronts: "many" is neither auto nor a number from 1 to 256'] },
  { name: 'a signer id beyond one positive octet', changes: { 'ca.yaml': [['id: 1 #', 'id: 128 #']] }, faults: ['ca-config/ca.yaml: signer.id: 128 is more than 127'] },
  { name: 'a path that climbs out of the state directory', changes: { 'issuers/development.yaml': [['public/root.pem', '../root.pem']] }, faults: ['ca-config/issuers/development.yaml: root: "../root.pem" leads out of the state directory'] },
  { name: 'a range with bits beyond its prefix', changes: { 'policy/private-names.yaml': [['10.0.0.0/8', '10.1.0.0/8']] }, faults: ['ca-config/policy/private-names.yaml: allow.addresses[2]: "10.1.0.0/8" has bits beyond /8: write 10.0.0.0/8'] },
  { name: 'a range beyond its family', changes: { 'policy/private-names.yaml': [['10.0.0.0/8', '10.0.0.0/33']] }, faults: ['ca-config/policy/private-names.yaml: allow.addresses[2]: "10.0.0.0/33" is not a range like 10.0.0.0/8 or fc00::/7'] },
  { name: 'IPv4 written as IPv6', changes: { 'policy/private-names.yaml': [['10.0.0.0/8', '"::ffff:10.0.0.0/104"']] }, faults: ['ca-config/policy/private-names.yaml: allow.addresses[2]: "::ffff:10.0.0.0" is an IPv4 address written as IPv6: write 10.0.0.0'] },
  { name: 'a wildcard among suffixes', changes: { 'policy/private-names.yaml': [['    - lan\n', '    - "*.lan"\n']] }, faults: ['ca-config/policy/private-names.yaml: allow.suffixes[4]: "*.lan" has a wildcard: suffixes cover all names below, wildcards list wildcard certificates'] },
  { name: 'no DNS name', changes: { 'policy/private-names.yaml': [['    - lan\n', '    - la_n\n']] }, faults: ['ca-config/policy/private-names.yaml: allow.suffixes[4]: "la_n" is no DNS name: it has characters other than letters, digits and hyphens'] },
  { name: 'a URI pattern with * in the trust domain', changes: { 'policy/workloads.yaml': [['spiffe://example.internal/', 'spiffe://*/']] }, faults: ['ca-config/policy/workloads.yaml: allow.uris[0]: "spiffe://*/ns/*/sa/*" is not like spiffe://example.internal/ns/*/sa/*, without * before the path'] },
  { name: 'a URI pattern with ** before its end', changes: { 'policy/workloads.yaml': [['/ns/*/', '/ns/**/']] }, faults: ['ca-config/policy/workloads.yaml: allow.uris[0]: "spiffe://example.internal/ns/**/sa/*" has ** before its end: it may only be the last segment'] },
  { name: 'a URI pattern with half a segment', changes: { 'policy/workloads.yaml': [['/sa/*', '/sa/web-*']] }, faults: ['ca-config/policy/workloads.yaml: allow.uris[0]: "spiffe://example.internal/ns/*/sa/web-*" has * within a segment: it stands for a whole one'] },
  { name: 'a requester of no kind', changes: { 'policy/workloads.yaml': [['profiles: [workload]', 'requesters: [alice]']] }, faults: ['ca-config/policy/workloads.yaml: requesters[0]: "alice" is not like acme-account:ID or acme-account:*'] },
  { name: 'a policy that says nothing', changes: { 'policy/workloads.yaml': 'description: nothing\nallow: { names: [] }\n' }, faults: ['ca-config/policy/workloads.yaml: neither allows nor denies anything'] },
  { name: 'allowed and denied in the same words', changes: { 'policy/workloads.yaml': 'description: x\nallow: { suffixes: [a.test] }\ndeny: { suffixes: [A.test] }\n' }, faults: ['ca-config/policy/workloads.yaml: allow.suffixes[0]: "a.test" is denied below in the same words: remove one of the two'] },
];

const EXTERNAL = 'https://localhost:8443';
const withUrl = (url: string): Changes => ({ 'ca.yaml': [[`externalUrl: ${EXTERNAL}`, `externalUrl: ${url}`]] });
const urlFault = (clause: string): string[] => [`ca-config/ca.yaml: directories.default.externalUrl: ${clause}`];

const URLS: readonly Case[] = [
  { name: 'http for clients', changes: withUrl('http://localhost:8443'), faults: urlFault('"http://localhost:8443" is not an https URL') },
  { name: 'a trailing slash', changes: withUrl(`${EXTERNAL}/`), faults: urlFault(`"${EXTERNAL}/" ends in a slash: leave it out`) },
  { name: 'a query', changes: withUrl(`${EXTERNAL}/?a=b`), faults: urlFault(`"${EXTERNAL}/?a=b" has a query or fragment: leave it out`) },
  { name: 'a password in a URL, not repeated', changes: withUrl('https://me:s3cret@ca.test'), faults: urlFault('holds a user or password: leave them out') },
  { name: 'a URL in other than canonical form', changes: withUrl('https://CA.test:443'), faults: urlFault('"https://CA.test:443" is not written as URLs compare: write https://ca.test') },
  { name: 'no URL', changes: withUrl('localhost'), faults: urlFault('"localhost" is not an https URL') },
  { name: 'a former URL that is the present one', changes: { 'ca.yaml': [['formerUrls: []', `formerUrls: [${EXTERNAL}]`]] }, faults: ['ca-config/ca.yaml: directories.default.formerUrls[0]: is externalUrl itself: leave it out'] },
  { name: 'a former URL that is none', changes: { 'ca.yaml': [['formerUrls: []', 'formerUrls: [ftp://a.test]']] }, faults: ['ca-config/ca.yaml: directories.default.formerUrls[0]: "ftp://a.test" is not an https URL'] },
  { name: 'CRLs over https', changes: { 'issuers/development.yaml': [['http://localhost:8080/crl', 'https://localhost:8080/crl']] }, faults: ['ca-config/issuers/development.yaml: crlUrl: "https://localhost:8080/crl" is not an http URL'] },
];

const KEY = 'pkcs11:token=chancery-intermediate;object=chancery-intermediate;id=%01?pin-source=file:pins/intermediate.pin';
const withKey = (uri: string): Changes => ({ 'issuers/development.yaml': [[`key: ${KEY}`, `key: "${uri}"`]] });
const keyFault = (clause: string): string[] => [`ca-config/issuers/development.yaml: key: ${clause}`];

const KEYS: readonly Case[] = [
  { name: 'a PIN in a key URI, not repeated', changes: withKey('pkcs11:token=t;object=o?pin-value=s3cret'), faults: keyFault('holds a PIN: write it to a file that only the signer reads, and name that file as pin-source') },
  { name: 'a PIN under another name', changes: withKey('pkcs11:token=t;object=o?pin=s3cret'), faults: keyFault('has the attribute "pin" after "?", where only pin-source is known') },
  { name: 'a pin-source that is a command', changes: withKey('pkcs11:token=t;object=o?pin-source=|cat%20/s3cret'), faults: keyFault('has a pin-source that is no file: write file:pins/NAME.pin') },
  { name: 'no pin-source anywhere', changes: withKey('pkcs11:token=t;object=o'), faults: keyFault('has no pin-source, and CHANCERY_PIN_FILE is not set: the signer could not log in') },
  { name: 'CHANCERY_PIN_FILE for a key without pin-source', changes: withKey('pkcs11:token=t;object=o'), environment: { CHANCERY_PIN_FILE: '/run/pin' }, faults: [] },
  { name: 'a key without label or id', changes: withKey('pkcs11:token=t?pin-source=file:p'), faults: keyFault('names no key: give its object (label) or its id') },
  { name: 'a key without token', changes: withKey('pkcs11:object=o?pin-source=file:p'), faults: keyFault('names no token: give its token (label) or serial') },
  { name: 'a misspelt attribute', changes: withKey('pkcs11:tokn=t;object=o?pin-source=file:p'), faults: keyFault('has the attribute "tokn", which names no key (did you mean "token"?)') },
  { name: 'an attribute twice', changes: withKey('pkcs11:token=a;token=b;object=o?pin-source=file:p'), faults: keyFault('has the attribute "token" twice') },
  { name: 'a broken escape', changes: withKey('pkcs11:token=%zz;object=o?pin-source=file:p'), faults: keyFault('has "token" with a "%" that is not followed by an octet in hexadecimal') },
  { name: 'no PKCS#11 URI', changes: withKey('file:key.pem'), faults: keyFault('is not like pkcs11:token=NAME;object=NAME?pin-source=file:pins/NAME.pin') },
];

/** After the challenges of the default directory. */
const inDirectory = (more: string, challenges = 'http-01'): Case['changes'] =>
  ({ 'ca.yaml': [['    challenges: [http-01, dns-01, tls-alpn-01]', `    challenges: [${challenges}]\n${more}`]] });

const RULES: readonly Case[] = [
  { name: 'a renewal window that ends before it begins', changes: { 'profiles/server.yaml': [['to: 55%', 'to: 45%']] }, faults: ['ca-config/profiles/server.yaml: renewal.to: 45% is not more than from, 45%'] },
  { name: 'a renewal window that is no part', changes: { 'profiles/server.yaml': [['to: 55%', 'to: 100%']] }, faults: ['ca-config/profiles/server.yaml: renewal.to: "100%" is not like 66%, from 1% to 99%'] },
  { name: 'STAR, faster than renewals can be', changes: inDirectory('    star: { minLifetime: 5m, maxDuration: 1m }'), faults: [
    'ca-config/ca.yaml: directories.default.star.minLifetime: 5m is more than maxDuration 1m',
    'ca-config/ca.yaml: directories.default.star.minLifetime: 5m is less than 10m: renewals would not keep up',
  ] },
  { name: 'device-attest-01 with nobody to believe', changes: inDirectory('', 'http-01, device-attest-01'), faults: [
    'ca-config/ca.yaml: directories.default.challenges[1]: "device-attest-01" needs somebody to believe: write the roots of a format under attestation',
  ] },
  { name: 'an attestation root that is none', changes: inDirectory('    attestation: { step: ["-----BEGIN CERTIFICATE-----"] }', 'device-attest-01'), faults: [
    'ca-config/ca.yaml: directories.default.attestation.step[0]: is no certificate in PEM: this is not PEM with nothing but CERTIFICATE in it',
  ] },
  { name: 'nothing to look up for longer than seven days', changes: { 'profiles/workload.yaml': [['maxValidity: 160h', 'maxValidity: 8d\nrevocation: noRevAvail']] }, faults: [
    'ca-config/profiles/workload.yaml: maxValidity: 8d is more than 7d, the most without revocation information (revocation: noRevAvail)',
  ] },
  { name: 'a responder that is more than that', changes: { 'profiles/ocsp-responder.yaml': [['[ocspSigning]', '[ocspSigning, serverAuth]'], ['names: []', 'names: [dns]'], ['internal: true', 'internal: false'], ['maxValidity: 30d', 'maxValidity: 91d']] }, faults: [
    'ca-config/profiles/ocsp-responder.yaml: internal: is not true: a responder serves the server itself, and no door may offer its profile',
    'ca-config/profiles/ocsp-responder.yaml: names: is not []: a responder is known by its key',
    'ca-config/profiles/ocsp-responder.yaml: extendedKeyUsage: has more than ocspSigning: the key of a responder does nothing else',
    'ca-config/profiles/ocsp-responder.yaml: maxValidity: 91d is more than 90d: a responder\'s certificate cannot be revoked',
  ] },
  { name: 'an OCSP response for too long', changes: { 'issuers/development.yaml': [['validity: 96h', 'validity: 11d']] }, faults: ['ca-config/issuers/development.yaml: ocsp.validity: 11d is not between 8h and 10d'] },
  { name: 'a responder whose certificate cannot be made', changes: { 'issuers/development.yaml': [[', ocsp-responder]', ']'], ['profile: ocsp-responder', 'profile: self']] }, faults: [
    'ca-config/issuers/development.yaml: ocsp.profile: "self" has no ocspSigning: nobody would believe the responder',
  ] },
  { name: 'validity beyond its maximum', changes: { 'profiles/server.yaml': [['validity: 160h', 'validity: 11d']] }, faults: ['ca-config/profiles/server.yaml: validity: 11d is more than maxValidity 10d'] },
  { name: 'a maximum beyond what TLS needs', changes: { 'profiles/server.yaml': [['maxValidity: 10d', 'maxValidity: 201d']] }, faults: ['ca-config/profiles/server.yaml: maxValidity: 201d is more than 200d'] },
  { name: 'too long a backdate', changes: { 'profiles/server.yaml': [['backdate: 1h', 'backdate: 2h']] }, faults: ['ca-config/profiles/server.yaml: backdate: 2h is more than 1h'] },
  { name: 'a backdate that leaves nothing', changes: { 'profiles/server.yaml': [['validity: 160h', 'validity: 30m']] }, faults: ['ca-config/profiles/server.yaml: backdate: 1h is not less than validity 30m'] },
  { name: 'no names and no subject', changes: { 'profiles/client.yaml': [['[dns, ip]', '[]']] }, faults: [
    'ca-config/ca.yaml: directories.default.profiles[1]: "client" takes no dns or ip names, and ACME proves no others here',
    'ca-config/profiles/client.yaml: names: is an empty list: a certificate needs a name, or a subject attribute that is required',
  ] },
  { name: 'an SVID with other names', changes: { 'profiles/workload.yaml': [['[uri]', '[uri, dns]'], ['maxNames: 1', 'maxNames: 2'], ['[serverAuth, clientAuth]', '[clientAuth]']] }, faults: [
    'ca-config/profiles/workload.yaml: names: is not [uri]: an X.509-SVID has one SPIFFE ID and, here, nothing else',
    'ca-config/profiles/workload.yaml: maxNames: 2 is not 1: an X.509-SVID has exactly one SPIFFE ID',
    'ca-config/profiles/workload.yaml: extendedKeyUsage: is not [serverAuth, clientAuth], as an X.509-SVID has it',
  ] },
  { name: 'two listeners on one port', changes: { 'ca.yaml': [['127.0.0.1:8080', '0.0.0.0:8443']] }, faults: ['ca-config/ca.yaml: listeners.status: port 8443 is already taken by listeners.acme'] },
  { name: 'validating the server itself', changes: { 'ca.yaml': [['http01Port: 5002', 'http01Port: 8080']] }, faults: ['ca-config/ca.yaml: validation.http01Port: 8080 is the port of listeners.status: the server would validate against itself'] },
  { name: 'many fronts on SQLite', changes: { 'ca.yaml': [['fronts: auto', 'fronts: 2']] }, faults: ['ca-config/ca.yaml: fronts: 2 fronts need PostgreSQL: set database to postgres://…, or fronts to 1'] },
  { name: 'many fronts on PostgreSQL', changes: { 'ca.yaml': [['fronts: auto', 'fronts: 2']] }, environment: { CHANCERY_DATABASE: POSTGRES }, faults: [] },
  { name: 'an endless call', changes: { 'ca.yaml': [['callDeadline: 3s', 'callDeadline: 2m']] }, faults: ['ca-config/ca.yaml: signer.callDeadline: 2m is more than 1m'] },
  { name: 'time-outs the wrong way round', changes: { 'ca.yaml': [['connectTimeout: 5s', 'connectTimeout: 20s']] }, faults: ['ca-config/ca.yaml: validation.connectTimeout: 20s is more than totalTimeout 10s'] },
  { name: 'loopback among the ranges', changes: { 'ca.yaml': [['allow: [10.0.0.0/8', 'allow: [127.0.0.1']] }, faults: ['ca-config/ca.yaml: validation.allow[0]: 127.0.0.1/32 is never dialled: for loopback addresses set loopback: true, in development'] },
  { name: 'cloud metadata among the ranges', changes: { 'ca.yaml': [['allow: [10.0.0.0/8', 'allow: [169.254.169.254']] }, faults: ['ca-config/ca.yaml: validation.allow[0]: 169.254.169.254/32 is never dialled: link-local addresses include cloud metadata'] },
  { name: 'a static host that is no name', changes: { 'ca.yaml': [['hosts: {}', 'hosts: { na_s: [10.0.0.5], NAS.test: [10.0.0.6] }']] }, faults: [
    'ca-config/ca.yaml: validation.hosts.na_s: "na_s" is no DNS name: it has characters other than letters, digits and hyphens',
    'ca-config/ca.yaml: validation.hosts.NAS.test: is not in lower case',
  ] },
  { name: 'a static host without an address', changes: { 'ca.yaml': [['hosts: {}', 'hosts: { nas.test: [elsewhere] }']] }, faults: ['ca-config/ca.yaml: validation.hosts.nas.test[0]: "elsewhere" is not an IP address'] },
  { name: 'proxies that are everybody', changes: { 'ca.yaml': [['trustedProxies: []', 'trustedProxies: [0.0.0.0/0, 10.0.0.0/24, "::/0"]']] }, faults: [
    'ca-config/ca.yaml: trustedProxies[0]: 0.0.0.0/0 is everybody: then anybody could say to be anybody. Write the addresses of the proxies',
    'ca-config/ca.yaml: trustedProxies[2]: ::/0 is everybody: then anybody could say to be anybody. Write the addresses of the proxies',
  ] },
  { name: 'proxies that are no addresses', changes: { 'ca.yaml': [['trustedProxies: []', 'trustedProxies: [proxy.internal, 10.0.0.1/24]']] }, faults: [
    'ca-config/ca.yaml: trustedProxies[0]: "proxy.internal" is not an IP address',
    'ca-config/ca.yaml: trustedProxies[1]: "10.0.0.1/24" has bits beyond /24: write 10.0.0.0/24',
  ] },
  { name: 'resolvers of zones that are none', changes: { 'ca.yaml': [['zoneResolvers: {}', 'zoneResolvers: { Corp.test: [10.0.0.53], "*.x": [10.0.0.53] }']] }, faults: [
    'ca-config/ca.yaml: validation.zoneResolvers.Corp.test: is not in lower case',
    'ca-config/ca.yaml: validation.zoneResolvers.*.x: "*.x" has a wildcard: suffixes cover all names below, wildcards list wildcard certificates',
  ] },
  { name: 'a resolver by name', changes: { 'ca.yaml': [['resolvers: system', 'resolvers: [dns.internal]']] }, faults: ['ca-config/ca.yaml: validation.resolvers: ["dns.internal"] is neither system nor a list of addresses'] },
  { name: 'a proof that is used for ever', changes: { 'ca.yaml': [['validAuthorizationLifetime: 1d', 'validAuthorizationLifetime: 30d']] }, faults: ['ca-config/ca.yaml: directories.default.limits.validAuthorizationLifetime: 30d is more than 10d'] },
  { name: 'no directories', changes: { 'ca.yaml': [[/^directories:\n( .*\n|\n(?= ))+/m, 'directories: {}\n']], 'issuers/staging.yaml': null }, faults: ['ca-config/ca.yaml: directories: is empty: name at least one, such as default'] },
  { name: 'a directory that is no name', changes: { 'ca.yaml': [['  default:\n', '  De_fault:\n'], ['like: default', 'like: De_fault']] }, faults: [
    'ca-config/ca.yaml: directories.De_fault: "De_fault" is not a name: lower-case letters, digits and inner hyphens, at most 63',
    'ca-config/ca.yaml: directories.staging.like: "De_fault" is not a name: lower-case letters, digits and inner hyphens, at most 63',
  ] },
  { name: 'an alternate chain with its root, and one that is the main chain', changes: { 'issuers/development.yaml': [['root: public/root.pem', `root: public/root.pem
alternates:
  - { certificates: [public/a.pem, public/b.pem], root: public/b.pem }
  - { certificates: [public/intermediate.pem], root: public/c.pem }`]] }, faults: [
    'ca-config/issuers/development.yaml: alternates[0].certificates: has the root "public/b.pem": a chain leaves it out',
    'ca-config/issuers/development.yaml: alternates[1]: is the chain under certificates itself',
  ] },
  { name: 'the root among the chain', changes: { 'issuers/development.yaml': [['[public/intermediate.pem]', '[public/intermediate.pem, public/root.pem]']] }, faults: ['ca-config/issuers/development.yaml: certificates: has the root "public/root.pem": a chain leaves it out'] },
  { name: 'an own name that is none', changes: { 'ca.yaml': [['"::1"]', '"::1", "a b"]']] }, faults: ['ca-config/ca.yaml: ownCertificate.names[3]: "a b" is neither a DNS name nor an address: it has characters outside printable ASCII (write A-labels)'] },
];

const SECOND_KEY = `id: development-2\nkey: ${KEY}\ncertificates: [public/two.pem]\nroot: public/root.pem\nprofiles: [server, client, peer, workload, device, self]\ncrlUrl: http://localhost:8080/crl\ncaIssuersUrl: http://localhost:8080/ca\n`;

const REFERENCES: readonly Case[] = [
  { name: 'an issuer with a profile that does not exist', changes: { 'issuers/development.yaml': [['[server, client', '[sevrer, server, client']] }, faults: ['ca-config/issuers/development.yaml: profiles[0]: profile "sevrer" does not exist (did you mean "server"?)'] },
  { name: 'a profile that no key signs', changes: { 'issuers/development.yaml': [['workload, device, ', 'workload, ']] }, faults: ['ca-config/profiles/device.yaml: no key signs this profile: add "device" to profiles in issuers/development.yaml, or delete this file'] },
  { name: 'a profile of a group that does not exist', changes: { 'profiles/device.yaml': [['group: default', 'group: defualt']] }, faults: [
    'ca-config/issuers/development.yaml: profiles[4]: "device" belongs to group "defualt", and this key to "default"',
    'ca-config/profiles/device.yaml: group: issuer group "defualt" does not exist (did you mean "default"?)',
  ] },
  { name: 'two active keys in one group', changes: { 'issuers/two.yaml': SECOND_KEY }, faults: ['ca-config/issuers/two.yaml: state: group "default" already has an active key, in issuers/development.yaml: retire one of the two'] },
  { name: 'no active key in a group', changes: { 'issuers/development.yaml': [['state: active', 'state: retired']] }, faults: ['ca-config/issuers/development.yaml: state: group "default" has no active key: set one to state: active'] },
  { name: 'one id for two keys', changes: { 'issuers/two.yaml': `${SECOND_KEY.replace('development-2', 'development-1')}state: retired\n` }, faults: ['ca-config/issuers/two.yaml: id: "development-1" is already the id in issuers/development.yaml: an id belongs to one key for ever'] },
  { name: 'an active and a retired key', changes: { 'issuers/two.yaml': `${SECOND_KEY}state: retired\n` }, faults: [] },
  { name: 'a key that signs nothing', changes: { 'issuers/two.yaml': SECOND_KEY.replace(/profiles: .*/, 'profiles: []\ngroup: other') }, faults: ['ca-config/issuers/two.yaml: profiles: is an empty list: an active key signs something'] },
  { name: 'a directory with a policy that does not exist', changes: { 'ca.yaml': [['[private-names]', '[private-name]']] }, faults: ['ca-config/ca.yaml: directories.default.policies[0]: policy "private-name" does not exist (did you mean "private-names"?)'] },
  { name: 'a directory with a profile that does not exist', changes: { 'ca.yaml': [['[server, client, peer]', '[server, cleint, peer]']] }, faults: ['ca-config/ca.yaml: directories.default.profiles[1]: profile "cleint" does not exist (did you mean "client"?)'] },
  { name: 'rate limits that are none', changes: { 'ca.yaml': [['    externalAccountRequired: false\n', '    externalAccountRequired: maybe\n    rateLimits: { ordersPerAccount: 300, ordersPerSuffix: 0/1h, failuresPerName: 3/90, accountsPerAddress: 2000/1s, suffixLabels: 0, pauseAfter: 0, ordersPerNames: 1/1h }\n']] }, faults: [
    'ca-config/ca.yaml: directories.default.externalAccountRequired: "maybe" is not true or false',
    'ca-config/ca.yaml: directories.default.rateLimits.accountsPerAddress: "2000/1s" is more than one in a millisecond',
    'ca-config/ca.yaml: directories.default.rateLimits.ordersPerAccount: "300" is not like 300/3h',
    'ca-config/ca.yaml: directories.default.rateLimits.ordersPerSuffix: "0/1h" is not like 300/3h',
    'ca-config/ca.yaml: directories.default.rateLimits.suffixLabels: 0 is less than 1',
    'ca-config/ca.yaml: directories.default.rateLimits.failuresPerName: "90" is not like 90d or 12h',
    'ca-config/ca.yaml: directories.default.rateLimits.pauseAfter: 0 is less than 1',
    'ca-config/ca.yaml: directories.default.rateLimits.ordersPerNames: is no key here (did you mean "ordersPerNameSet"?)',
  ] },
  { name: 'a directory like one that does not exist', changes: { 'ca.yaml': [['like: default', 'like: defualt']] }, faults: ['ca-config/ca.yaml: directories.staging.like: directory "defualt" does not exist (did you mean "default"?)'] },
  { name: 'a directory like itself', changes: { 'ca.yaml': [['like: default', 'like: staging']] }, faults: ['ca-config/ca.yaml: directories.staging.like: is this directory itself'] },
  { name: 'a directory like one that is like another', changes: { 'ca.yaml': [['  staging:\n', '  twice:\n    like: staging\n  staging:\n']] }, faults: ['ca-config/ca.yaml: directories.twice.like: "staging" is like another directory itself: name that one, "default"'] },
  { name: 'an issuer group for a directory that does not exist', changes: { 'ca.yaml': [['group: staging', 'group: stagging']] }, faults: [
    'ca-config/ca.yaml: directories.staging.group: issuer group "stagging" does not exist (did you mean "staging"?)',
    'ca-config/issuers/staging.yaml: profiles[0]: "server" belongs to group "default", and this key to "staging"',
    'ca-config/issuers/staging.yaml: profiles[1]: "client" belongs to group "default", and this key to "staging"',
    'ca-config/issuers/staging.yaml: profiles[2]: "peer" belongs to group "default", and this key to "staging"',
  ] },
  { name: 'a default profile that is not offered', changes: { 'ca.yaml': [['defaultProfile: server', 'defaultProfile: device']] }, faults: ['ca-config/ca.yaml: directories.default.defaultProfile: "device" is not among this directory\'s profiles: server, client, peer'] },
  { name: 'an unknown challenge', changes: { 'ca.yaml': [['[http-01, ', '[http-1, ']] }, faults: ['ca-config/ca.yaml: directories.default.challenges[0]: "http-1" is not one of http-01, dns-01, tls-alpn-01, dns-account-01, dns-persist-01, device-attest-01 (did you mean "http-01"?)'] },
  { name: 'profiles that ACME cannot serve', changes: { 'ca.yaml': [['[server, client, peer]', '[server, self, workload, device]']] }, faults: [
    'ca-config/ca.yaml: directories.default.profiles[1]: "self" is internal: no door may offer it',
    'ca-config/ca.yaml: directories.default.profiles[2]: "workload" takes no dns or ip names, and ACME proves no others here',
    'ca-config/ca.yaml: directories.default.profiles[3]: "device" requires a subject, and an ACME order has none',
    'ca-config/ca.yaml: directories.staging.group: the key of "staging" does not sign self, workload, device: add to profiles in issuers/staging.yaml',
  ] },
  { name: 'a policy about a profile that does not exist', changes: { 'policy/devices.yaml': [['[device]', '[devise]']] }, faults: ['ca-config/policy/devices.yaml: profiles[0]: profile "devise" does not exist (did you mean "device"?)'] },
  { name: 'the name of the server\'s own policy', changes: { 'policy/own-certificate.yaml': 'description: x\nallow: { names: [a.test] }\n', 'ca.yaml': [['[private-names]', '[private-names, own-certificate]']] }, faults: [
    'ca-config/ca.yaml: directories.default.policies: "own-certificate" is for the server itself',
    'ca-config/policy/own-certificate.yaml: has the name of the policy that is made from ownCertificate in ca.yaml: call it otherwise',
  ] },
  { name: 'an own certificate that serves nothing', changes: { 'ca.yaml': [['profile: self', 'profile: client']] }, faults: ['ca-config/ca.yaml: ownCertificate.profile: "client" has no serverAuth: clients would refuse it'] },
  { name: 'an own certificate of no profile', changes: { 'ca.yaml': [['profile: self', 'profile: slef']] }, faults: ['ca-config/ca.yaml: ownCertificate.profile: profile "slef" does not exist (did you mean "self"?)'] },
];

const databaseFault = (clause: string): string[] => [`environment: CHANCERY_DATABASE: ${clause}`];

const ENVIRONMENT: readonly Case[] = [
  { name: 'a database of no kind', changes: {}, environment: { CHANCERY_DATABASE: 'mysql://me:s3cret@db/x' }, faults: databaseFault('is neither sqlite:FILE nor postgres://USER@HOST/DATABASE') },
  { name: 'a password that breaks the URL', changes: {}, environment: { CHANCERY_DATABASE: 'postgres://me:s3cret/[x@db/x' }, faults: databaseFault('is no URL: characters such as @ / : in a password must be percent-encoded') },
  { name: 'PostgreSQL without a database', changes: {}, environment: { CHANCERY_DATABASE: 'postgres://me:s3cret@db' }, faults: databaseFault('names no database: write postgres://USER@HOST/DATABASE') },
  { name: 'SQLite without a file', changes: {}, environment: { CHANCERY_DATABASE: 'sqlite::memory:' }, faults: databaseFault('is not like sqlite:chancery.db or sqlite:/path/to/chancery.db') },
];

for (const [group, cases] of Object.entries({ FILES, VALUES, URLS, KEYS, RULES, REFERENCES, ENVIRONMENT })) {
  for (const { name, changes, environment, faults } of cases) {
    test(`faults, ${group.toLowerCase()}: ${name}`, () => {
      using directory = new ConfigDirectory(changes);
      const found = directory.faults(environment);
      assert.deepEqual(found, faults);
      assert.ok(!found.join().includes('s3cret'), 'a fault repeats a secret');
    });
  }
}

test('production refuses what only development may have, with the reason', () => {
  using directory = new ConfigDirectory({ 'ca.yaml': [['mode: development', 'mode: production'], ['allow: [10.0.0.0/8', 'allow: [0.0.0.0/0'], ['127.0.0.1:9080', '127.0.0.1:0']] });
  assert.deepEqual(directory.faults(), [
    'ca-config/ca.yaml: listeners.metrics: has port 0, any free port, which production refuses: nobody would find it',
    'ca-config/ca.yaml: directories.default.externalUrl: "https://localhost:8443" leads clients to themselves, which production refuses: write this server\'s name',
    'ca-config/ca.yaml: validation.allow[0]: 0.0.0.0/0 is wider than /8, which production refuses: clients could make the server dial anywhere; list the networks of your hosts',
    'ca-config/ca.yaml: validation.loopback: is true, which production refuses: whoever has a port on this machine could prove control of localhost; set it to false',
    'ca-config/issuers/development.yaml: id: "development-1" is an issuer key of the development ceremony, which production refuses: nobody watched it being made',
    'ca-config/issuers/development.yaml: key: is in the token "chancery-intermediate" of the development ceremony, which production refuses: its PIN lies beside it; use a key from a key ceremony (ceremony/README.md)',
    'ca-config/issuers/development.yaml: crlUrl: "http://localhost:8080/crl" leads relying parties to themselves, which production refuses: it stands in every certificate; write this server\'s name',
    'ca-config/issuers/development.yaml: caIssuersUrl: "http://localhost:8080/ca" leads relying parties to themselves, which production refuses: it stands in every certificate; write this server\'s name',
    'ca-config/issuers/development.yaml: ocsp.url: "http://localhost:8080/ocsp" leads relying parties to themselves, which production refuses: it stands in every certificate; write this server\'s name',
    'ca-config/issuers/development.yaml: ocsp.key: is in the token "chancery-intermediate" of the development ceremony, which production refuses: its PIN lies beside it',
    'ca-config/issuers/staging.yaml: id: "staging-development-1" is an issuer key of the development ceremony, which production refuses: nobody watched it being made',
    'ca-config/issuers/staging.yaml: key: is in the token "chancery-staging-intermediate" of the development ceremony, which production refuses: its PIN lies beside it; use a key from a key ceremony (ceremony/README.md)',
    'ca-config/issuers/staging.yaml: crlUrl: "http://localhost:8080/crl" leads relying parties to themselves, which production refuses: it stands in every certificate; write this server\'s name',
    'ca-config/issuers/staging.yaml: caIssuersUrl: "http://localhost:8080/ca" leads relying parties to themselves, which production refuses: it stands in every certificate; write this server\'s name',
    'ca-config/issuers/staging.yaml: ocsp.url: "http://localhost:8080/ocsp" leads relying parties to themselves, which production refuses: it stands in every certificate; write this server\'s name',
    'ca-config/issuers/staging.yaml: ocsp.key: is in the token "chancery-staging-intermediate" of the development ceremony, which production refuses: its PIN lies beside it',
  ]);
});

test('all faults of all files are told at once, in the order of files and lines, and counted', () => {
  using directory = new ConfigDirectory({
    'profiles/device.yaml': [['validity: 160h', 'validity: "90"'], ['maxNames: 10', 'maxNames: 0']],
    'issuers/development.yaml': [['shards: 8', 'shard: 8'], ['[server, client', '[sevrer, server, client']],
    'ca.yaml': [['realm: default', 'realm: "?"'], ['defaultProfile: server', 'defaultProfile: sevrer']],
  });
  const found = directory.faults();
  assert.deepEqual(found.map((line) => line.split(': ').slice(0, 2).join(': ')), [
    'ca-config/ca.yaml: realm',
    'ca-config/ca.yaml: directories.default.defaultProfile',
    'ca-config/issuers/development.yaml: profiles[0]',
    'ca-config/issuers/development.yaml: shard',
    'ca-config/profiles/device.yaml: maxNames',
    'ca-config/profiles/device.yaml: validity',
  ]);
  const loaded = loadConfig(directory.path, 'var');
  assert.ok('faults' in loaded);
  assert.ok(loaded.faults.every(({ line }) => line !== undefined && line > 0));
  assert.match(faultReport(loaded.faults, 'not starting'), /\n6 faults, not starting\.$/);
  assert.equal(faultReport(loaded.faults.slice(0, 1), 'not starting').split('\n').at(-1), '1 fault, not starting.');
});

test('no fault repeats the password of a database, wherever its URL was written', () => {
  const url = `${POSTGRES}?sslpassword=s3cret`;
  for (const text of [`database: { url: "${url}" }`, `database: ["${url}"]`, `database: !${url} x`, `database: *${url}`, `"${url}": 1`, `{ a: 1 }} ${url}`, `%YAML ${url}\n---\na: 1`, `database: |${url}\n x`]) {
    using directory = new ConfigDirectory({ 'ca.yaml': text });
    const report = directory.faults().join('\n');
    assert.notEqual(report, '');
    assert.ok(!report.includes('s3cret'), report);
  }
});

test('a configuration directory that is not there is one fault', () => {
  const loaded = loadConfig('nowhere/ca-config', 'var');
  assert.ok('faults' in loaded);
  assert.equal(faultReport(loaded.faults, 'not starting'), 'nowhere/ca-config: does not exist; CHANCERY_CONFIG names the directory that holds ca.yaml\n1 fault, not starting.');
});

test('what is shipped has no fault', () => {
  assert.ok('generation' in loadConfig(SHIPPED, 'var'));
});

test('what stands in comments as an example has no fault either', () => {
  using directory = new ConfigDirectory({
    'ca.yaml': [
      ['  # lanes: 8 ', '  lanes: 8 '], ['# termsOfService', 'termsOfService'], ['# agreeAgain', 'agreeAgain'], ['# website', 'website'],
      [/^    # ((?:star|rateLimits):.*|  \w+: .+)$/gm, '    $1'],
      ['resolvers: system # or a list of servers:', 'resolvers:'], ['hosts: {} # names answered without asking a resolver:', 'hosts:'],
      ['zoneResolvers: {} # who is asked in their place about a zone and all below it:', 'zoneResolvers:'],
    ],
    'issuers/development.yaml': [[/^# (permittedNames:|  \w+: \[.*|alternates:|  - .*)$/gm, '$1']],
    'policy/private-names.yaml': [[/^# (profiles|requesters)/gm, '$1']],
  });
  assert.deepEqual(directory.faults(), []);
});
