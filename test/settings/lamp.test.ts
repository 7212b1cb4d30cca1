import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/settings/load.ts';

const complaintOf = (flags: Readonly<Record<string, string>>): string => {
  try {
    loadConfig({ flags: new Map(Object.entries(flags)) });
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

const gpio = { 'relay.kind': 'gpiod', 'relay.chip': 'pi', 'relay.line': 'GPIO17' };
const broker = { 'mqtt.enabled': 'true' };

describe('the lamp of a challenge', () => {
  it.each([
    [
      'that is the lock’s line',
      { ...gpio, 'liveness.light.gpio.line': 'GPIO17' },
      /liveness\.light\.gpio\.line: "GPIO17" is the line of the lock/,
    ],
    [
      'that is the line of an input',
      { ...gpio, 'inputs.kind': 'gpiod', 'inputs.exit': 'GPIO5', 'liveness.light.gpio.line': 'GPIO5' },
      /line of an input \(inputs\.exit\)/,
    ],
    ['on no chip', { 'liveness.light.gpio.line': 'GPIO22' }, /liveness\.light\.gpio\.chip: is empty/],
    ['behind no broker', { 'liveness.light.mqtt.topic': 'lamp/set' }, /needs a broker/],
    [
      'that is the device that opens the lock',
      {
        ...broker,
        'relay.kind': 'mqtt',
        'relay.trustBroker': 'true',
        'relay.device.model': 'zigbee2mqtt',
        'relay.device.address': 'zigbee2mqtt/lock',
        'liveness.light.mqtt.topic': 'zigbee2mqtt/lock/set',
      },
      /is a topic of the lock/,
    ],
    [
      'that is the device that opens the lock, by another of its topics',
      {
        ...broker,
        'relay.kind': 'mqtt',
        'relay.trustBroker': 'true',
        'relay.device.model': 'tasmota',
        'relay.device.address': 'front',
        'liveness.light.mqtt.topic': 'cmnd/front/Power1',
      },
      /is a topic of the lock/,
    ],
    [
      'on a topic of the door itself',
      { ...broker, 'liveness.light.mqtt.topic': 'facelatch/front-door/cmd/door/open' },
      /facelatch's own topics/,
    ],
  ])('is refused %s, with one clear error', (_, flags, text) => {
    const complaint = complaintOf(flags);
    expect(complaint).toMatch(text);
    expect(complaint.match(/liveness\.light/g)?.length).toBe(1);
  });

  it('is needed where the challenge is light', () => {
    expect(complaintOf({ 'liveness.challenges': 'light' })).toMatch(/names light, which needs a lamp/);
    expect(complaintOf({ ...gpio, 'liveness.challenges': 'light', 'liveness.light.gpio.line': 'GPIO22' })).toBe('');
  });

  it('may be another line of the same chip, or another device behind the same broker', () => {
    expect(complaintOf({ ...gpio, 'liveness.light.gpio.line': 'GPIO22' })).toBe('');
    expect(complaintOf({ ...broker, 'liveness.light.mqtt.topic': 'esphome/porch/light/command' })).toBe('');
  });
});
