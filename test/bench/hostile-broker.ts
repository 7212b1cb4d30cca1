/**
 * Residents at a door whose broker means harm: how many are let in, how fast, and how much memory that takes, against a
 * door with a quiet broker in the same run. Door and broker run in processes of their own.
 */
import type { Row } from '../../src/cli/door/figures.ts';
import { attackNames, openHarmfulBroker } from '../fakes/harmful-broker.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { type Memory, residentRows, visitDoor } from './residents.ts';

const blocks = 3;

export async function benchHostileBroker(): Promise<Row[]> {
  await using mosquitto = await openMosquitto({ config: ['allow_anonymous true'] });
  const quiet = await visitsWith(mosquitto.url);
  const rows: Row[] = [];
  for (const attack of attackNames) {
    await using broker = await openHarmfulBroker(attack);
    rows.push(...against(quiet, await visitsWith(broker.url), `with a broker that sends ${attack}`));
  }
  // What the machine itself varies by.
  return [...rows, ...against(quiet, await visitsWith(mosquitto.url), 'with the quiet broker again')];
}

interface Visits {
  readonly latencies: readonly number[];
  readonly most: Memory;
}

/** All blocks alike: the broker attacks from the start, while the door opens too. */
async function visitsWith(url: string): Promise<Visits> {
  const settings = { 'mqtt.enabled': true, 'mqtt.url': url, 'door.id': 'front-door', 'mqtt.clockCheck': false };
  const { quiet, busy, before, during } = await visitDoor(settings, () => undefined, blocks);
  return { latencies: [...quiet, ...busy], most: before.door > during.door ? before : during };
}

function against(quiet: Visits, attacked: Visits, what: string): Row[] {
  return residentRows(what, {
    ...{ quiet: quiet.latencies, busy: attacked.latencies },
    ...{ before: quiet.most, during: attacked.most, seconds: 0 },
  });
}
