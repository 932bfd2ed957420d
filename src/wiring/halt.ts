/** For the crash suite: kills this process at a numbered step, the way a power cut would. Development mode only. */
import { rmSync } from 'node:fs';
import type { Mode } from '../config/generation.ts';

/**
 * `CHANCERY_HALT_AT` names a directory. A test arms a step by making the file `halt-at-STEP` in it; whoever reaches the step
 * removes the file and dies, so it happens once. Returns what parts call at each step.
 */
export function haltAt(mode: Mode, directory: string | undefined): (step: string) => void {
  if (directory === undefined || directory === '' || mode !== 'development') return () => {};
  return (step) => {
    try {
      rmSync(`${directory}/halt-at-${step}`);
    } catch {
      return; // not armed, or another process was first
    }
    process.kill(process.pid, 'SIGKILL');
  };
}
