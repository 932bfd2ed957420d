/** Runs several pieces of work in an order that the dice decide: whoever is about to take a step waits until it is let go. */
import type { Dice } from './random.ts';

/** Resolves when this piece of work may go on. */
export type Step = () => Promise<void>;

/** Runs a piece of work that dies before its step number `count`, from 0; true when it had ended before. What it holds is never let go. */
export async function dieAfter(count: number, run: (step: Step) => Promise<unknown>): Promise<boolean> {
  const dead = Promise.withResolvers<false>();
  let left = count;
  const step = (): Promise<void> => {
    if (left-- > 0) return Promise.resolve();
    dead.resolve(false);
    return new Promise(() => {});
  };
  return Promise.race([run(step).then(() => true), dead.promise]);
}

interface Walker {
  /** Lets it take its next step; absent when it has ended. */
  go?: () => void;
  /** Settled when it waits again, or has ended. */
  stopped: PromiseWithResolvers<void>;
}

/**
 * Each piece of work calls its `step` before whatever others can see. Whoever went on mostly does so again, for what goes wrong in practice is
 * one that stands still while another does all of its work; sometimes all go on at once. @param look called after each step
 */
export async function interleave(dice: Dice, work: readonly ((step: Step) => Promise<unknown>)[], look: () => Promise<void>): Promise<void> {
  const walkers = work.map((run) => {
    const walker: Walker = { stopped: Promise.withResolvers() };
    const wait = (): Promise<void> => new Promise((resolve) => {
      walker.go = resolve;
      walker.stopped.resolve();
    });
    run(wait).then(() => walker.stopped.resolve(), (error) => walker.stopped.reject(error));
    return walker;
  });
  await Promise.all(walkers.map(({ stopped }) => stopped.promise));
  for (let last: Walker | undefined; ; ) {
    const waiting = walkers.filter(({ go }) => go !== undefined);
    if (waiting.length === 0) return;
    if (last?.go === undefined || dice.next() < 0.25) last = waiting[Math.floor(dice.next() * waiting.length)] as Walker;
    const chosen = dice.next() < 0.1 ? waiting : [last];
    for (const walker of chosen) {
      const { go } = walker;
      walker.stopped = Promise.withResolvers();
      delete walker.go;
      go?.();
    }
    await Promise.all(chosen.map(({ stopped }) => stopped.promise));
    await look();
  }
}
