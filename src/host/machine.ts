/**
 * Which machine this is, without telling it to anybody: nothing goes in, a mark comes out that another machine does not
 * have, nor another program on this one.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What systemd calls an application id; made once for facelatch. */
const application = Buffer.from('5d0c0c3ea1b84c0e9f6d3c1b7a52e84f', 'hex');

/**
 * machine-id(5), and the serial number that boards such as Raspberry Pi and Jetson have: a copied disk takes the first
 * of them along.
 */
const files = { machineId: '/etc/machine-id', serial: '/sys/firmware/devicetree/base/serial-number' } as const;

/** Undefined where the machine has no id, as in some containers. */
export function machineMark({ machineId, serial }: { readonly machineId: string; readonly serial: string } = files): string | undefined {
  const id = /^[0-9a-f]{32}$/.exec(textOf(machineId))?.[0];
  if (id === undefined) return undefined;
  // As sd_id128_get_machine_app_specific() does, so that the machine's own id, which others may know it by, stays here.
  const hmac = createHmac('sha256', Buffer.from(id, 'hex')).update(application);
  return hmac.update(textOf(serial)).digest('hex').slice(0, 32);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1').replaceAll('\0', '').trim();
  } catch {
    return '';
  }
}
