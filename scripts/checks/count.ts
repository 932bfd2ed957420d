// A reporter for node:test that writes only how many tests passed, failed and were skipped, as JSON.

interface TestEvent {
  readonly type: string;
  readonly data: { readonly file?: string; readonly counts?: Readonly<Record<string, number>> };
}

export default async function* count(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:summary' || data.file !== undefined) continue; // there is one summary per file too
    const of = (name: string): number => data.counts?.[name] ?? 0;
    yield JSON.stringify({ passed: of('passed'), failed: of('failed') + of('cancelled'), skipped: of('skipped') });
  }
}
