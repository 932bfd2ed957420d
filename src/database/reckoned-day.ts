/**
 * The time that retention goes by. What it deletes is gone, and a clock can be wrong: so the time is never after what front and database
 * both say, and goes on from where it was at the last run by a day at most. After a jump it takes as many runs as there are days in it to get
 * there, in which an operator can see that and mend the clock; set back, it is right again at once.
 */
import type { Clock } from '../clock.ts';
import { dayOf } from '../x509/serial.ts';
import type { Database } from './engine.ts';
import { rawStatement, statement } from './statement.ts';

const DAY = 86_400_000;

const goOn = rawStatement(
  `insert into reckoned_day (realm, day) values ('default', :today) on conflict (realm) do update
   set day = case when excluded.day > reckoned_day.day + 1 then reckoned_day.day + 1 else excluded.day end`,
);
const find = statement((k) => k('reckoned_day').select('day').where({ realm: 'default' }));

/** Once for each run. `behind`: how many days the clocks are ahead of this. The first run of all believes the clocks. */
export async function reckonTime(database: Database, clock: Clock): Promise<{ readonly now: number; readonly behind: number }> {
  const now = Math.min(clock.now(), await database.now());
  const today = dayOf(now);
  await database.commit([{ statement: goOn, values: { today }, rows: 1 }]);
  const { day = today } = (await database.one<{ day: number }>(find)) ?? {};
  const behind = Math.max(0, today - day);
  return { now: now - behind * DAY, behind };
}
