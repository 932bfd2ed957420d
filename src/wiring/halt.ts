/** For the crash suite: kills this process at a named step, the way a power cut would. Development mode only. */
import type { Mode } from '../config/generation.ts';

/** `CHANCERY_HALT_AT=step` or `step:3` (the third time it is reached). Returns what parts call at each numbered step. */
export function haltAt(mode: Mode, setting: string | undefined): (step: string) => void {
  if (setting === undefined || setting === '' || mode !== 'development') return () => {};
  const [wanted, count = '1'] = setting.split(':');
  let left = Number(count);
  return (step) => {
    if (step !== wanted) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
