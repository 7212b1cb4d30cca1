/** What somebody at the terminal of a running door sees: events, and why something does not work. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeEvent } from '../../../src/cli/door/describe.ts';
import { logWords } from '../../../src/cli/door/log-words.ts';
import { openTerminal, type ShownHouse } from '../../../src/cli/door/terminal.ts';
import { loadConfig } from '../../../src/settings/load.ts';

const threshold = { policy: 'target-fmr', logit: 7, fmr: 1e-4, extrapolated: false, detection: 0.99, verification: 0.8 } as const;

function opened(over: Partial<ShownHouse['gallery']> = {}) {
  const { config } = loadConfig({ files: [], env: {}, flags: new Map() });
  const people = [{ id: 'id-ada', name: 'Ada', enrolledAt: '', pictures: 1 }];
  const house: ShownHouse = {
    config,
    console: undefined,
    status: {
      cameraLabel: 'replay demo',
      people: 1,
      relay: 'dry relay',
      door: 'safe',
      camera: 'running',
      broker: 'down',
    } as ShownHouse['status'],
    gallery: { threshold, templates: 1, list: () => people, find: (id) => people.find((person) => person.id === id), ...over },
  };
  let shown = '';
  const write = (text: string | Uint8Array) => {
    shown += text;
    return true;
  };
  const terminal = openTerminal(house, false, { columns: 200, write });
  onTestFinished(terminal.close);
  return { terminal, people, shown: () => shown };
}

const line = (fields: object) => JSON.stringify({ level: 40, time: 'now', ...fields });

it('counts in words, and says how strict the door is', () => {
  const { shown } = opened();
  expect(shown()).toContain('replay demo → 1 person, 1 template → dry relay');
  expect(shown()).toContain('threshold: 1 in 10,000 attempts of strangers passes');
});

it('says that a rate is an estimate where the calibration does not support it', () => {
  const { shown } = opened({ threshold: { ...threshold, extrapolated: true } });
  expect(shown()).toContain('threshold: stricter than the calibration supports; estimated 1 in 10,000 attempts');
});

it('says why the broker is down, once while it is the same reason', () => {
  const { terminal, shown } = opened();
  const down = line({ msg: 'broker down', detail: 'The broker refuses connections', retryInMs: 1000 });
  for (const each of [down, down, line({ level: 30, msg: 'broker connected', broker: 'mqtt://hub' }), down]) terminal.log(each);
  expect(shown().match(/broker down: The broker refuses connections/g)).toHaveLength(2);
  expect(shown()).toContain('broker connected (broker mqtt://hub)');
});

it('knows a removed person by the name they had', () => {
  const { terminal, people, shown } = opened();
  people.length = 0;
  terminal.event({ kind: 'person.removed', personId: 'id-ada' });
  expect(shown()).toContain('Ada removed');
});

describe('a line of the log', () => {
  it.each([
    [{ msg: 'command refused', code: 'replayed' }, 'command refused: replayed'],
    [
      { level: 50, msg: 'command failed', command: 'people.remove', by: 'ada', err: 'disk full' },
      'command failed (command people.remove, by ada): disk full',
    ],
    [{ level: 50, msg: 'camera failed', err: 'told as an event' }, undefined],
    [{ level: 30, msg: 'command', command: 'door.open' }, undefined],
  ])('%j is told as %s', (fields, told) => {
    expect(logWords(line(fields))).toBe(told);
  });

  it('that is not JSON is passed over', () => {
    expect(logWords('half a li')).toBeUndefined();
  });
});

describe('a denial', () => {
  const denied = {
    kind: 'access.denied',
    reason: 'unknown',
    detail: 'no enrolled person is like enough',
    likeness: { logit: 6.2, probability: 0.998, share: 0 },
    capturedAtMs: 0,
    ageMs: 0,
  } as const;
  const nameOf = (id: string) => id;

  it('shows how far the face is below the threshold, not its probability', () => {
    const text = describeEvent(denied, { nameOf, threshold });
    expect(text).toBe('shut: unknown, no enrolled person is like enough, likeness 0.8 below the threshold');
    expect(text).not.toContain('%');
  });

  it('never stands above the threshold as unknown, although the threshold has moved since', () => {
    expect(describeEvent(denied, { nameOf, threshold: { ...threshold, logit: 5 } })).toContain('just below the threshold');
  });

  it('shows no likeness where the threshold is not known', () => {
    expect(describeEvent({ ...denied, bestPersonId: 'ada' }, { nameOf })).toBe('shut: unknown, no enrolled person is like enough (ada)');
  });
});
