// What the kernel knows of processes (proc(5)): processor time, memory, descent, and who listens on a port.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const TICK_MS = 10; // USER_HZ is 100 on every Linux that Node.js runs on

/** A process to account for, with the name it has in the tables. */
export interface Watched {
  readonly name: string;
  readonly pid: number;
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // it has ended meanwhile
  }
};

const pids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);
/** The fields of /proc/PID/stat from the state on; the command before it may hold anything. */
const statOf = (pid: number): string[] => read(`/proc/${pid}/stat`)?.replace(/^.*[)] /s, '').split(' ') ?? [];

/** User and system time so far, in ms; of a process that has ended, 0. */
export const cpuOf = (pid: number): number => (Number(statOf(pid)[11] ?? 0) + Number(statOf(pid)[12] ?? 0)) * TICK_MS;

/** Memory in MB as the kernel shares it out (PSS): pages of several processes, such as node's own code, count once in all. */
export const memoryOf = (pid: number): number => Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0) / 1024;

export const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? '';

/** The process and everything it started. */
export function familyOf(root: number): number[] {
  const family = [root];
  const all = pids().map((pid) => ({ pid, parent: Number(statOf(pid)[1] ?? 0) }));
  for (const elder of family) family.push(...all.filter(({ parent }) => parent === elder).map(({ pid }) => pid));
  return family;
}

/** Who listens on the TCP port; undefined when it is not on this machine or not ours to see. */
export function listenerOn(port: number): number | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const LISTEN = '0A';
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => (read(table) ?? '').split('\n').map((line) => line.trim().split(/\s+/)))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === LISTEN).map((columns) => `socket:[${columns[9]}]`);
  return pids().find((pid) => descriptorsOf(pid).some((descriptor) => inodes.includes(descriptor)));
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}
