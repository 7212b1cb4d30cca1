/** The host room as the configuration says: metrics, and systemd. */

import type { Log } from '../base/log.ts';
import { systemClock } from '../base/time.ts';
import { version } from '../base/version.ts';
import type { Metrics, MetricsOptions } from '../host/metrics.ts';
import { type NotifyEnvironment, openNotifySocket, type ServiceManager, serviceManager, watchdogMs } from '../host/systemd.ts';
import type { Config } from '../settings/load.ts';

export interface ServedMetrics extends Pick<Metrics, 'event' | 'looked'>, AsyncDisposable {}

/** The metrics and their server; undefined where they are not enabled. */
export async function metricsOf({ door, metrics }: Config, readings: MetricsOptions['readings']): Promise<ServedMetrics | undefined> {
  if (!metrics.enabled) return undefined;
  // Only here: what they import takes 6 MB, and few doors have them.
  const [{ doorMetrics }, { openMetricsServer }] = await Promise.all([import('../host/metrics.ts'), import('../host/metrics-server.ts')]);
  const made = doorMetrics({ door: door.id, version, readings });
  const server = await openMetricsServer({ ...metrics, metrics: made });
  return { event: made.event, looked: made.looked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/**
 * How much longer than its own patience a camera takes to open, or to be closed when frozen; reading one frame takes
 * no longer.
 */
const turnSlackMs = 10_000;
const cameraOpenMs = 15_000;

/** systemd, where it started this process as a unit with Type=notify; else undefined. */
export async function serviceManagerOf(
  { camera }: Config,
  environment: NotifyEnvironment,
  pid: number,
  log: Log,
): Promise<(ServiceManager & Disposable) | undefined> {
  if (!environment.NOTIFY_SOCKET) return undefined;
  const socket = await openNotifySocket(environment.NOTIFY_SOCKET);
  const manager = serviceManager({
    notify: socket.notify,
    watchdogMs: watchdogMs(environment, pid),
    patienceMs: Math.max(cameraOpenMs, camera.freezeMs, 3000 / camera.fps) + turnSlackMs,
    clock: systemClock,
    log: log.child({ room: 'host' }),
  });
  return { ...manager, [Symbol.dispose]: () => socket[Symbol.dispose]() };
}
