/** Tries that fail for reasons that are not the client's host's: how long, how often, and on which fronts they are repeated. */
import assert from 'node:assert/strict';
import { type DoorLab, failure, resumed, SUCCESS } from '../../../support/acme-door.ts';
import { onBothEngines, withPostgres } from '../../../support/acme-engines.ts';

withPostgres();

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** An order whose challenge was answered, and could not be judged. */
async function undecided(lab: DoorLab, name: string) {
  lab.validate = () => failure('dns', 'SERVFAIL', true);
  const client = await lab.client();
  const order = await client.newOrder([name]);
  const url = order.json.authorizations[0] as string;
  const { json } = await client.post(url);
  assert.equal((await client.post(json.challenges[0].url, {})).json.status, 'processing');
  return { client, url };
}

onBothEngines('a zone whose servers always fail is asked less and less often, and not any more once the authorization has expired', async (lab) => {
  const { client, url } = await undecided(lab, 'servfail.internal');
  for (; lab.skewMs < 60 * MINUTE; lab.skewMs += 2_100) await resumed(lab.acme);
  assert.ok(lab.validations.length <= 70, `${lab.validations.length} tries in an hour`);
  lab.skewMs = DAY + MINUTE;
  await resumed(lab.acme);
  const tries = lab.validations.length;
  for (const later of [2 * MINUTE, DAY, 30 * DAY]) {
    lab.skewMs += later;
    await resumed(lab.acme);
  }
  assert.equal(lab.validations.length, tries);
  client.forgetNonces();
  assert.notEqual((await client.post(url)).json.status, 'valid');
});

onBothEngines('I8 a front whose configuration lacks the directory leaves its validations to the others', async (lab) => {
  const { client, url } = await undecided(lab, 'rolling.internal');
  lab.validate = () => SUCCESS;
  const { generation } = lab;
  lab.generation = { ...generation, directories: new Map() };
  const before = lab.validations.length;
  lab.skewMs += MINUTE;
  assert.equal(await resumed(lab.acme), 1);
  assert.equal(lab.validations.length, before, 'it knows neither what CAA must say nor who the account is');
  lab.generation = generation;
  lab.skewMs += MINUTE;
  assert.equal(await resumed(lab.acme), 1);
  client.forgetNonces();
  assert.equal((await client.post(url)).json.status, 'valid');
});
