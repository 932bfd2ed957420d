/** The CRL of an offline root as a file: what is served, and the alarm that comes long before it runs out. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { logEventsTo } from '../../src/telemetry/events.ts';
import { registry } from '../../src/telemetry/metrics.ts';
import { loadAuthority } from '../../src/wiring/authority.ts';
import { RootCrls } from '../../src/wiring/root-crls.ts';
import { World } from '../support/world.ts';

const DAY = 86_400_000;

test("T-INC-19 the root's CRL alarms from its 60th last day on, in the log and in the metrics; one that is not the root's is not served", async () => {
  await using world = await World.open({ started: false });
  const loaded = loadConfig(world.configuration(), world.state, world.environment());
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  const { generation } = loaded;
  const authority = loadAuthority(generation);
  const lines: string[] = [];
  const take = (level: string) => (fields: { issuerKey?: string }, text: string): void => void (fields.issuerKey === 'development-1' && lines.push(`${level}: ${text}`));
  logEventsTo({ info: take('info'), warn: take('warn'), error: take('error') } as unknown as Parameters<typeof logEventsTo>[0]);
  const clock = { time: Date.now(), now: () => clock.time };
  const crls = new RootCrls(() => authority, clock);
  const left = async (): Promise<number | undefined> =>
    (await registry.getSingleMetric('chancery_root_crl_seconds_left')?.get())?.values.find(({ labels }) => labels['issuer_key'] === 'development-1')?.value;

  await crls.watch();
  const end = crls.get('development-1')?.nextUpdate ?? 0;
  assert.deepEqual(lines, []);
  for (const [days, expected] of [[61, []], [59, ["warn: the root's CRL runs out soon: hold a ceremony"]]] as const) {
    clock.time = end - days * DAY;
    await crls.watch();
    assert.deepEqual(lines, expected);
    assert.equal(await left(), days * 86_400);
    assert.deepEqual(crls.standing('development-1'), crls.get('development-1'));
  }
  writeFileSync(generation.issuers.get('development-1')?.rootCrl ?? '', 'no CRL');
  await crls.watch();
  assert.equal(lines.at(-1), "error: the root's CRL cannot be served");
  assert.equal(await left(), 0);
  assert.equal(crls.get('development-1'), undefined);
  assert.match(JSON.stringify(crls.standing('development-1')), /"fault"/);
});
