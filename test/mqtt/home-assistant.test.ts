/** What Home Assistant is told of a door: the discovery payload against the published fields, attempts, and its buttons. */
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/command/registry.ts';
import { denials } from '../../src/events.ts';
import { attemptOf, discoveryMessage, type HomeAssistantOptions, pressable, pressedCommand } from '../../src/mqtt/home-assistant.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import { eventOf } from '../fakes/events.ts';
import { fieldProblems } from './home-assistant-fields.ts';
import { topics } from './witness.ts';

const some: HomeAssistantOptions = {
  topics,
  prefix: 'homeassistant',
  door: 'front-door',
  version: '0.1.0',
  inputs: [],
  person: 'id',
  image: false,
  allowed: [],
};
const everything: HomeAssistantOptions = { ...some, inputs: ['contact', 'tamper'], person: 'name', image: true, allowed: [...pressable] };
const componentsOf = (options: HomeAssistantOptions): Record<string, Record<string, unknown>> =>
  JSON.parse(discoveryMessage(options).payload).components;

describe('the discovery of a door', () => {
  it.each([
    ['with little', { ...some, person: 'off' } as const],
    ['as it is by default', some],
    ['with everything', everything],
  ])('%s has no field that Home Assistant does not know, and all that it needs', (_, options) => {
    expect(fieldProblems(discoveryMessage(options))).toEqual([]);
  });

  it('with a field of another platform, or without one that is needed, is found out', () => {
    const { topic, payload } = discoveryMessage(everything);
    const spoilt = (change: (message: { components: Record<string, Record<string, unknown>> }) => void) => {
      const message = JSON.parse(payload);
      change(message);
      return fieldProblems({ topic, payload: JSON.stringify(message) });
    };
    expect(spoilt(({ components }) => Object.assign(components.lock!, { payload_press: 'x' }))).toEqual([
      'lock: lock takes no payload_press',
    ]);
    expect(spoilt(({ components }) => delete components.attempt!.event_types)).toEqual(['attempt: event needs event_types']);
    expect(spoilt(({ components }) => delete components.armed!.unique_id)).toEqual(['armed: no unique_id']);
    expect(fieldProblems({ topic: 'homeassistant/device/a.b/config', payload })).toEqual(['topic homeassistant/device/a.b/config']);
  });

  it('removes what the door does not have, also where it had it before', () => {
    const components = componentsOf(some);
    for (const id of ['image', 'contact', 'tamper', 'open', 'lockout']) expect(Object.keys(components[id]!)).toEqual(['platform']);
    expect(Object.keys(componentsOf({ ...some, person: 'off' }).person!)).toEqual(['platform']);
    // Earlier versions announced a percentage there.
    expect(Object.keys(componentsOf(everything).score!)).toEqual(['platform']);
    expect(Object.keys(componentsOf(everything))).toEqual(Object.keys(components));
  });

  it('has buttons only for commands that may come unsigned', () => {
    const named = (allowed: readonly string[]) =>
      Object.entries(componentsOf({ ...some, allowed })).flatMap(([id, { platform, name }]) =>
        platform === 'button' && name !== undefined ? [id] : [],
      );
    expect(named([])).toEqual([]);
    expect(named(['door.open'])).toEqual(['open']);
    expect(named(['lockout.reset', 'arm'])).toEqual(['lockout']);
  });

  it('sends no command retained or more than once, and believes no command before the door has shown its effect', () => {
    for (const component of Object.values(componentsOf(everything)).filter((each) => each.command_topic !== undefined)) {
      expect(component).toMatchObject({ retain: false, qos: 0, command_topic: 'facelatch/front-door/cmd/home-assistant' });
      if (component.platform !== 'button') expect(component.optimistic).toBe(false);
      const payloads = Object.entries(component).filter(([field]) => /^payload_(press|lock|unlock|on|off)$/.test(field));
      for (const [, payload] of payloads) expect(pressedCommand(Buffer.from(payload as string))).toBe(payload);
      expect(payloads.length).toBeGreaterThan(0);
    }
  });

  it('has ids of its own for each prefix and door, in characters that Home Assistant takes', () => {
    const doors = [
      ['facelatch', 'front-door'],
      ['facelatch/front', 'door'],
      ['facelatch-front', 'door'],
      ['facelatch', 'front.door'],
      ['facelatch', 'front door'],
      ['facelatch', 'Tür'],
      ['facelatch', 'x'.repeat(64)],
    ] as const;
    const ids = doors.map(([prefix, door]) => topicsOf(prefix, door).discovery('homeassistant').id);
    expect(new Set(ids).size).toBe(doors.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,100}$/);
    // A device trigger is no entity, and has none.
    const entities = Object.values(componentsOf(everything)).filter(({ platform }) => platform !== 'device_automation');
    const unique = entities.map(({ unique_id }) => unique_id);
    expect(new Set(unique).size).toBe(unique.length);
  });

  it.each(['', 'a//b', '+', 'home/#', '$SYS'])('refuses the prefix %j and names the setting', (prefix) => {
    expect(() => discoveryMessage({ ...some, prefix })).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('mqtt.homeAssistant.prefix') }),
    );
  });
});

describe('an attempt', () => {
  const context = { named: () => 'p-1', seq: 7, at: '2026-01-05T12:00:00.000Z' };
  it('that was granted names the person where the owner lets it, and nowhere else', () => {
    const told = attemptOf(eventOf['access.granted'], context);
    expect(told?.attempt).toMatchObject({ schema: 1, event_type: 'granted', seq: 7, person: 'p-1' });
    expect(told?.person).toEqual({ schema: 1, person: 'p-1', at: context.at });
    const silent = attemptOf(eventOf['access.granted'], { ...context, named: () => undefined });
    expect(JSON.stringify(silent)).not.toMatch(/person|p-1/);
    expect(attemptOf(eventOf['access.granted'], { ...context, seq: undefined })?.attempt).not.toHaveProperty('seq');
  });

  it.each(denials)('that was denied (%s) tells the reason and of nobody', (reason) => {
    const told = attemptOf({ ...eventOf['access.denied'], reason, bestPersonId: 'p-2' }, context);
    expect(told).toEqual({ attempt: expect.objectContaining({ event_type: 'denied', reason }) });
    expect(JSON.stringify(told)).not.toContain('p-2');
  });

  it('that is challenged says what the visitor has to do, and names nobody', () => {
    const told = attemptOf(eventOf['access.challenged'], context);
    expect(told).toEqual({ attempt: { schema: 1, seq: 7, at: context.at, event_type: 'challenged', needs: 'blink', times: 2 } });
  });

  it('with a picture fires a trigger of the device by its reason, and any other reason does not', () => {
    const fires = componentsOf(some)['spoof-trigger'];
    expect(fires).toMatchObject({ platform: 'device_automation', topic: topics.homeAssistant('attempt'), payload: 'spoof' });
    expect(fires?.value_template).toContain('value_json.reason');
  });

  it('is not made of any other event', () => {
    const kinds = Object.values(eventOf).filter((event) => attemptOf(event, context) !== undefined);
    expect(kinds.map(({ kind }) => kind).sort()).toEqual(['access.challenged', 'access.denied', 'access.granted', 'access.pending']);
  });
});

it('what Home Assistant may ask for are commands that there are, and nothing else', () => {
  for (const name of pressable) expect(commands.find((command) => command.name === name)).toMatchObject({ changes: true });
  const others = ['', 'people.remove', 'door.open ', '{"cmd":"door.open"}', 'door.hold', 'DOOR.OPEN', 'door.open\0', 'x'.repeat(100_000)];
  for (const text of others) expect(pressedCommand(Buffer.from(text))).toBeUndefined();
});
