/** The access room put together over a real journal file: PINs, use counts, anti-passback, clocks, and what a restart remembers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clockWatch } from '../../src/access/clock-watch.ts';
import { type EntranceRules, openEntrance } from '../../src/access/entrance.ts';
import { hashPin } from '../../src/access/pin.ts';
import { openLog } from '../../src/base/log.ts';
import type { Requester } from '../../src/events.ts';
import type { PersonRules } from '../../src/identity/port.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import type { InputChange } from '../../src/relay/port.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeRelay } from '../fakes/relay.ts';

const operator: Requester = { kind: 'operator', name: 'ada', via: 'mqtt', requestId: 'r' };
const keypad: Requester = { kind: 'keypad', via: 'mqtt' };
const policy = {
  ...{
    armed: true,
    votes: 2,
    window: 3,
    windowMs: 1000,
    maxFrameAgeMs: 500,
    absenceMs: 700,
    denyAfterMs: 5000,
    cooldownMs: 500,
    pulseMs: 3000,
  },
  threshold: { policy: 'target-fmr', logit: 8, fmr: 1e-5, extrapolated: false },
  lockOut: { failures: 2, firstMs: 30_000, maxMs: 60_000 },
};
const entranceRules = {
  ...{ armed: true, togetherMs: 15_000, timeZone: 'UTC', holidays: [], schedules: {}, groups: {}, admits: [] },
  ...{ unsureClock: 'deny', antiPassback: false, journalDown: 'deny' },
} as const;

let folder = '';
const clock = fakeClock();
let journal: Journal;
const file = () => join(folder, 'journal.sqlite');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-entrance-'));
  journal = openJournal({ file: file(), clock });
});
afterEach(() => {
  journal[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function open(people: Readonly<Record<string, PersonRules>> = {}, over: object = {}) {
  const relay = fakeRelay();
  const entrance = openEntrance({
    ...{ journal, relay, clock, log: openLog('silent'), policy: () => policy },
    gallery: {
      list: () => Object.keys(people).map((id) => ({ id, name: id, enrolledAt: '', pictures: 1 })),
      rules: (id) => people[id] ?? {},
    },
    rules: { ...entranceRules, ...over } as EntranceRules,
    premises: () => ({ pulseMs: 3000, maxHoldMs: 60_000, heldOpenMs: 0, graceMs: 5000, tamperBlockMs: 600_000 }),
    synchronised: () => true,
  });
  const see = async (personId: string | undefined, frames = 4) => {
    for (let i = 0; i < frames; i++) {
      await clock.advance(66);
      const capturedAtMs = clock.now();
      const finding = personId === undefined ? ({ kind: 'unknown' } as const) : ({ kind: 'person', personId } as const);
      await entrance.controller.submit({
        kind: 'sighting',
        atMs: capturedAtMs,
        sighting: { digest: `${capturedAtMs}`, capturedAtMs, finding },
      });
    }
    await clock.advance(800);
    await entrance.controller.submit({
      kind: 'sighting',
      atMs: clock.now(),
      sighting: { digest: 'none', capturedAtMs: clock.now(), finding: { kind: 'nobody' } },
    });
  };
  const change = (input: InputChange['input'], active: boolean) => entrance.controller.inputChanged({ input, active, atMs: clock.now() });
  return { ...entrance, relay, see, change };
}
const kinds = () => journal.query({ limit: 100 }).map(({ event }) => ('reason' in event ? `${event.kind} ${event.reason}` : event.kind));

describe('asked for other than by face', () => {
  it('is journalled, then done, then journalled again', async () => {
    const { door, relay } = open();
    expect(await door.open(operator)).toEqual({ ok: true, seq: 1 });
    expect(relay.pulses).toEqual([3000]);
    expect(kinds()).toEqual(['request.granted', 'relay.pulsed']);
    expect(journal.query({})[1]?.event).toEqual({ kind: 'relay.pulsed', grantSeq: 1, durationMs: 3000 });
  });

  it('says so where the relay fails, and opens nothing where the journal is down, but lets people out', async () => {
    const { door, relay, change } = open();
    relay.failWith = new Error('the line is gone');
    expect(await door.open(operator)).toEqual({ ok: false, reason: 'relay-failed', detail: 'the line is gone' });
    delete relay.failWith;
    journal[Symbol.dispose]();
    expect(await door.open(operator)).toMatchObject({ ok: false, reason: 'journal-down' });
    expect(await door.disarm(operator)).toMatchObject({ ok: false, reason: 'journal-down' });
    expect(relay.pulses).toEqual([]);
    await change('exit', false);
    await change('exit', true);
    expect(relay.pulses).toEqual([3000]);
    journal = openJournal({ file: file(), clock });
  });
});

describe('PINs', () => {
  it('open alone where they may, complete a face where it needs one, and are worth nothing otherwise', async () => {
    const pin = await hashPin('4711');
    const { door, relay, see } = open({ ada: { pin, pinOpens: true }, bob: { pin: await hashPin('0815'), pinNeeded: true } });
    expect(await door.enterPin(keypad, '4711')).toMatchObject({ ok: true });
    expect(relay.pulses.length).toBe(1);
    await see('bob');
    expect(relay.pulses.length).toBe(1);
    expect(await door.enterPin(keypad, '0815')).toMatchObject({ ok: true });
    expect(relay.pulses.length).toBe(1);
    await see('bob');
    expect(relay.pulses.length).toBe(2);
    expect(journal.query({ kinds: ['request.granted'] })[0]?.event).toMatchObject({ personId: 'ada' });
    const told = journal.query({}).map(({ event }) => event); // ids and hashes are drawn: now and then they hold any four digits
    expect(JSON.stringify(told)).not.toMatch(/4711|0815|scrypt/);
  });

  it('that are wrong three times have to wait, longer each time, side by side too; faces go on', async () => {
    const { door, relay, see } = open({ ada: { pin: await hashPin('4711'), pinOpens: true } });
    const answers = await Promise.all(['1111', '2222', '3333', '4711'].map((pin) => door.enterPin(keypad, pin)));
    expect(answers.map((answer) => (answer.ok ? 'ok' : answer.reason))).toEqual(['wrong-pin', 'wrong-pin', 'wrong-pin', 'locked-out']);
    await see('ada');
    expect(relay.pulses.length).toBe(1);
    await clock.advance(30_000);
    expect(await door.enterPin(keypad, '4444')).toMatchObject({ reason: 'wrong-pin' });
    await clock.advance(30_000);
    expect(await door.enterPin(keypad, '4711')).toMatchObject({ reason: 'locked-out' });
    await door.resetLockOut(operator);
    expect(await door.enterPin(keypad, '4711')).toMatchObject({ ok: true });
  });

  it('go by the person’s other rules', async () => {
    const { door, relay } = open({ ada: { pin: await hashPin('4711'), pinOpens: true, enabled: false } });
    expect(await door.enterPin(keypad, '4711')).toMatchObject({ ok: false, reason: 'disabled' });
    expect(relay.pulses).toEqual([]);
  });
});

describe('use counts and anti-passback', () => {
  it('count grants since they were set, PINs among them', async () => {
    const since = new Date(clock.wall()).toISOString();
    const { door, relay, see } = open({ ada: { uses: 2, usesSince: since, pin: await hashPin('4711'), pinOpens: true } });
    await see('ada');
    await door.enterPin(keypad, '4711');
    await see('ada');
    expect(relay.pulses.length).toBe(2);
    expect(kinds().at(-1)).toBe('access.denied used-up');
  });

  it('let somebody in again once they have left', async () => {
    const { door, relay, see } = open({}, { antiPassback: true });
    await see('ada');
    await see('ada');
    expect([relay.pulses.length, kinds().at(-1)]).toEqual([1, 'access.denied still-inside']);
    await door.left(operator, 'ada');
    await see('ada');
    expect(relay.pulses.length).toBe(2);
  });
});

describe('after a restart', () => {
  it('is disarmed as it was', async () => {
    await open().door.disarm(operator);
    const { see, relay, door, controller } = open();
    await see('ada');
    expect([relay.pulses.length, controller.premises.armed]).toEqual([0, false]);
    await door.arm(operator);
    await see('ada');
    expect(relay.pulses.length).toBe(1);
  });

  it('is locked out for the rest of the time, and counts on from the failures before', async () => {
    await open().see(undefined);
    await open().see(undefined);
    expect(kinds()).toEqual(['access.denied unknown', 'access.denied unknown', 'lockout.started']);
    await clock.advance(20_000);
    const { see, relay, controller } = open();
    await see('ada');
    expect([relay.pulses.length, controller.lockedOut]).toEqual([0, true]);
    await clock.advance(10_000);
    await see('ada');
    expect(relay.pulses.length).toBe(1);
  });

  it('is blocked by tampering for the rest of the time', async () => {
    await open().change('tamper', true);
    await clock.advance(500_000);
    const { door, see, relay } = open();
    expect(await door.open(operator)).toMatchObject({ reason: 'tampered' });
    await see('ada');
    expect(kinds().at(-1)).toBe('access.denied tampered');
    await clock.advance(100_000);
    await see('ada');
    expect(relay.pulses.length).toBe(1);
  });
});

describe('the wall clock', () => {
  const setUp = (wallMs: number) => {
    const jumps: [number, boolean][] = [];
    const time = { nowMs: 0, wallMs, synchronised: false };
    const watch = clockWatch({
      clock: { now: () => time.nowMs, wall: () => time.wallMs, sleep: async () => undefined },
      synchronised: () => time.synchronised,
      onJump: (byMs, sure) => jumps.push([byMs, sure]),
    });
    const pass = (ms: number, jumpMs = 0) => {
      time.nowMs += ms;
      time.wallMs += ms + jumpMs;
      watch.tick();
    };
    return { watch, time, jumps, pass };
  };

  it('is trusted while it goes on as time does, and not after a jump until it is synchronised', () => {
    const { watch, time, jumps, pass } = setUp(Date.UTC(2026, 10, 24));
    for (let i = 0; i < 100; i++) pass(100, 1);
    expect([watch.sure, jumps]).toEqual([true, []]);
    pass(100, -3_600_000);
    expect([watch.sure, jumps]).toEqual([false, [[-3_600_000, false]]]);
    pass(100);
    expect(watch.sure).toBe(false);
    time.synchronised = true;
    pass(100);
    expect(watch.sure).toBe(true);
    pass(100, 10_000);
    expect([watch.sure, jumps.at(-1)]).toEqual([true, [10_000, true]]);
  });

  it('that was never set is not trusted, whatever the time service says', () => {
    const { watch, time, pass } = setUp(Date.UTC(1970, 0, 1));
    time.synchronised = true;
    pass(100);
    expect(watch.sure).toBe(false);
    pass(100, Date.UTC(2026, 10, 24));
    expect(watch.sure).toBe(true);
  });
});
