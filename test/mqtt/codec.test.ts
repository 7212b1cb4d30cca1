/** Topics and payloads: what is in them for every kind of event, and what never is. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import type { Entry } from '../../src/journal/port.ts';
import { encodeEntry, encodeOffline, encodeOnline, encodeState } from '../../src/mqtt/codec.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import { eventOf, toldOf } from '../fakes/events.ts';

const at = '2026-01-05T12:00:00.000Z';
const nowMs = Date.parse(at);
const entryOf = (event: Event): Entry => ({ seq: 17, id: '0b4c1f0e-0000-4000-8000-000000000000', at, event, hash: 'f'.repeat(64) });
const context = { door: 'front-door', nowMs, historicalAfterMs: 60_000 };
const decoded = (event: Event, over: Partial<typeof context> = {}) => JSON.parse(encodeEntry(entryOf(event), { ...context, ...over }));

describe('the topics of a door', () => {
  test('stand under prefix and door, the dots of an event kind as levels', () => {
    const topics = topicsOf('facelatch', 'front-door');
    expect([topics.status, topics.probe, topics.all]).toEqual([
      'facelatch/front-door/status',
      'facelatch/front-door/probe',
      'facelatch/front-door/#',
    ]);
    expect([topics.state('door'), topics.state('camera'), topics.state('mode')]).toEqual([
      'facelatch/front-door/state/door',
      'facelatch/front-door/state/camera',
      'facelatch/front-door/state/mode',
    ]);
    expect(topics.event('access.granted')).toBe('facelatch/front-door/event/access/granted');
    expect(topicsOf('home/ground floor', 'Tür 1').status).toBe('home/ground floor/Tür 1/status');
  });

  test('have an id of their own for every prefix and door, in letters that every broker takes', () => {
    const ids = [
      ['north', 'front-door'],
      ['south', 'front-door'],
      ['north/front', 'door'],
      ['north-front', 'door'],
      ['nörth', 'front-door'],
    ].map(([prefix = '', door = '']) => topicsOf(prefix, door).id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,100}$/);
  });

  test.each(['', 'a/b', 'a+', '#', 'a\0b', 'x'.repeat(65)])('refuse the door %j', (door) => {
    expect(() => topicsOf('facelatch', door)).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('door.id') }),
    );
  });

  test.each(['', '/a', 'a/', 'a//b', 'a/+', '#', '$SYS', 'a\0'])('refuse the prefix %j', (prefix) => {
    expect(() => topicsOf(prefix, 'door')).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('mqtt.prefix') }),
    );
  });

  test('never hold a wildcard, whatever door was taken', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (door) => {
        try {
          const { status } = topicsOf('facelatch', door);
          return status.split('/').length === 3 && !/[+#\0]/.test(status);
        } catch (error) {
          return (error as { code?: string }).code === 'bad-config';
        }
      }),
    );
  });
});

describe('the payload of an event', () => {
  test('says what was checked of a face being alive, never the score, and of a denial not how near it was', () => {
    expect(decoded(eventOf['access.granted']).liveness).toEqual({ verdict: 'live', band: 'at-or-above' });
    expect(decoded(eventOf['access.challenged']).liveness).toEqual({ verdict: 'unsure', band: 'near', why: 'between' });
    expect(decoded(eventOf['access.denied']).liveness).toEqual({ verdict: 'spoof', spoof: 'texture' });
  });

  test.each(Object.values(eventOf).map((event) => [event.kind, event] as const))(
    '%s holds schema, place, door and its fields, and neither a likeness nor the nearest person',
    (_, event) => {
      const { capturedAt, ...rest } = decoded(event);
      expect(rest).toEqual({
        schema: 1,
        id: entryOf(event).id,
        seq: 17,
        hash: entryOf(event).hash,
        at,
        door: 'front-door',
        ...toldOf(event),
      });
      expect(capturedAt).toBe('ageMs' in event ? new Date(nowMs - event.ageMs).toISOString() : undefined);
    },
  );

  test('holds no field that was not meant for it: no name, picture or embedding', () => {
    const careless = { ...eventOf['access.granted'], name: 'Ann', picture: 'base64', embedding: [0.1, 0.2] } as Event;
    expect(decoded(careless)).toEqual(decoded(eventOf['access.granted']));
  });

  test('is marked historical when it is published later than the bound after it was written', () => {
    expect(decoded(eventOf['access.granted'], { nowMs: nowMs + 60_000 })).not.toHaveProperty('historical');
    expect(decoded(eventOf['access.granted'], { nowMs: nowMs + 60_001 })).toHaveProperty('historical', true);
    expect(decoded(eventOf['access.granted'], { nowMs: nowMs - 3_600_000 })).not.toHaveProperty('historical'); // the clock was set back
  });

  test('cuts endless text, and not within a character', () => {
    const { detail } = decoded({ ...eventOf['relay.failed'], detail: '😀'.repeat(5000) });
    expect(detail).toHaveLength(1000);
    expect(detail).toMatch(/^(😀)+\ufffd?…$/u);
  });

  test('of a kind that this version does not know holds no more than its place', () => {
    expect(decoded({ kind: 'from.the-future', secret: 1 } as unknown as Event)).toEqual({
      schema: 1,
      id: entryOf(eventOf['daemon.stopped']).id,
      seq: 17,
      hash: entryOf(eventOf['daemon.stopped']).hash,
      at,
      door: 'front-door',
      kind: 'from.the-future',
    });
  });
});

test('the payloads of status and states are small JSON objects', () => {
  expect(JSON.parse(encodeOnline(nowMs))).toEqual({ schema: 1, status: 'online', at });
  expect(JSON.parse(encodeOffline('lost'))).toEqual({ schema: 1, status: 'offline', reason: 'lost' });
  expect(JSON.parse(encodeOffline('stopped'))).toEqual({ schema: 1, status: 'offline', reason: 'stopped' });
  expect(JSON.parse(encodeState('released', nowMs))).toEqual({ schema: 1, state: 'released', at });
  const counts = { people: 3, templates: 15, grants: 2, denials: 1, alarms: 0 };
  expect(JSON.parse(encodeState(counts, nowMs))).toEqual({ schema: 1, ...counts, at });
});
