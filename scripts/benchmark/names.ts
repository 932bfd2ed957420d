// How long orders with 100 names take: each name is proven by http-01, then all stand in one certificate.
import { FlowDriver, type FlowResult } from './flows.ts';
import { OwnServer } from './own-server.ts';

const NAMES = 100;
const CLIENTS = [1, 8] as const;

export async function measureNames(seconds: number, database: string): Promise<readonly FlowResult[]> {
  await using server = await OwnServer.open(database);
  const { directoryUrl, rootFile, http01Port } = server.world;
  using driver = await FlowDriver.open({ directory: directoryUrl, ca: rootFile, http01Port, domainSuffix: 'localhost' });
  const results: FlowResult[] = [];
  for (const clients of CLIENTS) results.push(await driver.run({ clients, seconds, warmUpSeconds: 2, names: NAMES }, () => server.processes()));
  return results;
}
