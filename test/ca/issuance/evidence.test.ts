/** Evidence: one document where it fits, parts where it does not, nothing lost in either. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { composeEvidence, MAX_EVIDENCE_BYTES } from '../../../src/ca/issuance/evidence.ts';

type Document = Record<string, unknown>;

/** Puts a document back together from its parts. */
function whole({ digest, documents }: ReturnType<typeof composeEvidence>): Document {
  const byDigest = new Map(documents.map((document) => [document.digest, JSON.parse(document.body) as Document]));
  const head = { ...byDigest.get(digest) };
  for (const [member, value] of Object.entries(head)) {
    const { parts } = (value ?? {}) as { parts?: string[] };
    if (parts === undefined) continue;
    const contents = parts.map((part) => byDigest.get(part)?.[member]);
    head[member] = Array.isArray(contents[0]) ? contents.flat() : JSON.parse(contents.join(''));
  }
  return head;
}

function check(document: Document): number {
  const evidence = composeEvidence(document);
  for (const { digest, body } of evidence.documents) {
    assert.ok(Buffer.byteLength(body) <= MAX_EVIDENCE_BYTES);
    assert.equal(digest, createHash('sha256').update(body).digest('hex'));
  }
  assert.deepEqual(whole(evidence), document);
  return evidence.documents.length;
}

test('evidence that fits is one document', () => {
  assert.equal(check({ names: [{ type: 'dns', value: 'a.internal' }], authorizations: [{ id: '1' }], request: { payload: 'x' } }), 1);
});

test('a hundred authorizations, a long request and long names stand in parts', () => {
  const names = Array.from({ length: 100 }, (_, i) => ({ type: 'dns', value: `${'n'.repeat(200)}${i}.internal` }));
  const authorizations = names.map((identifier, i) => ({ id: `${i}`, identifier, seen: 'x'.repeat(300) }));
  assert.ok(check({ names, authorizations, request: { payload: 'é"\\\n'.repeat(10_000) }, profile: 'server' }) > 10);
});

test('only what has to stands apart', () => {
  const [head] = composeEvidence({ names: ['a'], authorizations: [{ id: '1' }], request: { payload: 'x'.repeat(9000) } }).documents;
  assert.deepEqual(JSON.parse(head?.body ?? '{}').names, ['a']);
});
