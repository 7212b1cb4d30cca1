/** Where data of people goes from a door: its settings go in, each receiver with what it gets comes out. Pure. */
import type { Config } from '../../settings/load.ts';

export interface Receiver {
  readonly to: string;
  readonly what: string;
}

export function receiversOf({ mqtt, metrics, farm, retrain, backup, relay }: Config): readonly Receiver[] {
  const { homeAssistant } = mqtt;
  return [
    ...(mqtt.enabled ? [{ to: `the broker ${mqtt.url}`, what: 'events and states with ids; no names, no pictures' }] : []),
    ...(mqtt.enabled && homeAssistant.enabled
      ? [
          {
            to: 'Home Assistant, over the broker',
            what: [personWords[homeAssistant.person], ...(homeAssistant.image ? ['a picture of each attempt, of strangers too'] : [])].join(
              '; ',
            ),
          },
        ]
      : []),
    ...(mqtt.enabled && mqtt.commands
      ? [
          {
            to: 'operators whose keys this door knows',
            what: `names and entries on request, encrypted to them${mqtt.snapshots ? '; pictures of the camera and of kept attempts' : ''}`,
          },
        ]
      : []),
    ...(metrics.enabled ? [{ to: `whoever reads ${metrics.host}:${metrics.port}`, what: 'figures without names and ids' }] : []),
    ...(farm.url !== '' && farm.trainers.length > 0
      ? [
          {
            to: `the trainers of the farm ${farm.url}`,
            what: `pictures of people, encrypted for the trainers, during a training${retrain.where === 'farm' ? '' : ' that is asked for'}`,
          },
        ]
      : []),
    ...(backup.folder === '' ? [] : [{ to: `the folder ${backup.folder}`, what: 'backups of everything, encrypted' }]),
    ...(relay.kind === 'http' || relay.kind === 'mqtt' ? [{ to: 'the relay on the network', what: 'when the door opens; of nobody' }] : []),
  ];
}

const personWords = { off: 'nothing of who was let in', id: 'the id of who was let in', name: 'the name of who was let in' } as const;
