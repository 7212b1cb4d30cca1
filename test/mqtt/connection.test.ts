/** Which brokers are reached so that others on the network could read and change what is said. */
import { expect, test } from 'vitest';
import { exposedBroker } from '../../src/adapters/mqtt.ts';
import { isExposed } from '../../src/mqtt/connection.ts';
import { loadConfig } from '../../src/settings/load.ts';

test.each<[string, boolean]>([
  ['mqtt://broker.lan:1883', true],
  ['tcp://192.168.1.5', true],
  ['ws://broker.lan:9001/mqtt', true],
  ['mqtt://localhost.example.org', true],
  ['mqtt://127.0.0.1.example.org', true],
  ['mqtt://[fe80::1]:1883', true],
  ['mqtts://broker.lan:8883', false],
  ['tls://broker.lan', false],
  ['wss://broker.lan', false],
  ['mqtt://127.0.0.1:1883', false],
  ['mqtt://127.1.2.3', false],
  ['mqtt://LOCALHOST:1883', false],
  ['ws://[::1]:9001', false],
])('%s is open to the network: %s', (url, exposed) => {
  expect(isExposed(url)).toBe(exposed);
});

test('the warning names the settings that help, and holds no password', () => {
  const of = (settings: object) => exposedBroker(loadConfig({ flags: new Map(Object.entries(settings)) }).config);
  const words = of({ 'mqtt.url': 'mqtt://broker.lan:1883?password=Secret' });
  expect(words).toMatch(/mqtt:\/\/broker\.lan:1883 .*mqtts:\/\/.*mqtt\.url.*mqtt\.caFile/);
  expect(words).not.toContain('Secret');
  expect(of({ 'mqtt.url': 'mqtts://broker.lan:8883' })).toBeUndefined();
  expect(of({ 'mqtt.url': 'mqtt://broker.lan:1883', 'mqtt.embedded': true })).toBeUndefined();
});
