/** Processes as /proc shows them. */
import { readdirSync, readFileSync } from 'node:fs';

/** A process that has ended but was not waited for (its daemon is stopped) is not alive: proc_pid_stat(5), state Z. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Keepers that this process has started and that are not over: proc_pid_stat(5), fields 3 and 4. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || !isAlive(Number(name))) return [];
    try {
      const mine = new RegExp(`\\) \\S ${parent} `).test(readFileSync(`/proc/${name}/stat`, 'utf8'));
      return mine && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('relay/keeper') ? [Number(name)] : [];
    } catch {
      return []; // gone meanwhile
    }
  });
}
