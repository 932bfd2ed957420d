/** How long an answer may wait for work to end, so that clients need no poll; then they are told to come back. */
export const PATIENCE_MS = 2_000;
/** For `Retry-After`, in seconds: clients misread dates, and wait longer than told, never shorter. */
export const COME_BACK_S = 1;

/** What `work` resolves to, or undefined when it takes longer than `ms`; the work itself goes on. Rejects as the work does. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
