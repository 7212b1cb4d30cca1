/** The clock that nobody sets: which start of the computer this is, and how long ago it was, suspensions included. */
import { readFileSync } from 'node:fs';
import type { BootTime } from '../base/time.ts';

/** Undefined where the kernel does not tell. CLOCK_BOOTTIME is what /proc/uptime shows (proc_uptime(5)). */
export function bootTime(): BootTime | undefined {
  const uptimeMs = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return id !== '' && Number.isFinite(uptimeMs()) ? { id, nowMs: uptimeMs } : undefined;
  } catch {
    return undefined;
  }
}
