/** The access room put together over a real journal file: PINs, use counts, anti-passback, clocks, and what a restart remembers. */
import { scryptSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clockWatch } from '../../src/access/clock/clock-watch.ts';
import { hashEmergencyPin } from '../../src/access/emergency-pin.ts';
import { type EntranceRules, openEntrance } from '../../src/access/entrance.ts';
import { ruler } from '../../src/access/person-rules.ts';
import { hashPin, isThePin } from '../../src/access/pin.ts';
import { openLog } from '../../src/base/log.ts';
import { type BootTime, runTime } from '../../src/base/time.ts';
import type { Requester } from '../../src/events.ts';
import type { PersonRules } from '../../src/identity/port.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import type { InputChange } from '../../src/relay/port.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeRelay } from '../fakes/relay.ts';
import { memoryVault } from '../fakes/vault.ts';

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
  lockOut: { failures: 2, firstMs: 30_000, maxMs: 60_000, attempts: 50 },
};
const entranceRules = {
  ...{ armed: true, togetherMs: 15_000, timeZone: 'UTC', holidays: [], schedules: {}, groups: {}, admits: [] },
  ...{ unsureClock: 'deny', antiPassback: false, pinWithoutName: false, journalDown: 'deny' },
  liveness: { policy: 'off', schedules: {} },
} as const;

let folder = '';
const clock = fakeClock();
const vault = memoryVault();
let journal: Journal;
const file = () => join(folder, 'journal.sqlite');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-entrance-'));
  journal = openJournal({ file: file(), clock });
  boot = runTime(clock, 'first');
  synchronised = () => true;
});
afterEach(() => {
  journal[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** The computer was started when the clock began. */
let boot: BootTime;
let synchronised = () => true;

function open(people: Readonly<Record<string, PersonRules>> = {}, over: object = {}, emergencyPin?: () => string | undefined) {
  const relay = fakeRelay();
  const entrance = openEntrance({
    ...{ vault, emergencyPin, journal, relay, clock, log: openLog('silent'), policy: () => policy },
    gallery: {
      ids: () => Object.keys(people),
      find: (who) => (people[who] ? { id: who, name: who, enrolledAt: '', pictures: 1 } : undefined),
      rules: (id) => people[id] ?? {},
      setRules: (id, rules) => void Object.assign(people, { [id]: rules }),
    },
    rules: { ...entranceRules, ...over } as EntranceRules,
    boot,
    premises: () => ({ pulseMs: 3000, maxHoldMs: 60_000, heldOpenMs: 0, graceMs: 5000, tamperBlockMs: 600_000 }),
    synchronised,
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

  it('says so where the relay fails, and opens nothing where the journal is down, but lets people out and is disarmed', async () => {
    const { door, relay, change } = open();
    relay.failWith = new Error('the line is gone');
    expect(await door.open(operator)).toEqual({ ok: false, reason: 'relay-failed', detail: 'the line is gone' });
    delete relay.failWith;
    journal[Symbol.dispose]();
    expect(await door.open(operator)).toMatchObject({ ok: false, reason: 'journal-down' });
    expect(await door.arm(operator)).toMatchObject({ ok: false, reason: 'journal-down' });
    expect(await door.disarm(operator)).toEqual({ ok: true, seq: 0 });
    expect(relay.pulses).toEqual([]);
    await change('exit', false);
    await change('exit', true);
    expect(relay.pulses).toEqual([3000]);
    journal = openJournal({ file: file(), clock });
  });
});

describe('PINs', () => {
  it('open alone where they may, complete a face where it needs one, and are worth nothing otherwise', async () => {
    const pin = await hashPin(vault, '4711');
    const { door, relay, see } = open({ ada: { pin, pinOpens: true }, bob: { pin: await hashPin(vault, '0815'), pinNeeded: true } });
    expect(await door.enterPin(keypad, '4711', 'ada')).toMatchObject({ ok: true });
    expect(relay.pulses.length).toBe(1);
    await see('bob');
    expect(relay.pulses.length).toBe(1);
    expect(await door.enterPin(keypad, '0815', 'bob')).toMatchObject({ ok: true });
    expect(relay.pulses.length).toBe(1);
    await see('bob');
    expect(relay.pulses.length).toBe(2);
    expect(journal.query({ kinds: ['request.granted'] })[0]?.event).toMatchObject({ personId: 'ada' });
    const told = journal.query({}).map(({ event }) => event); // ids and hashes are drawn: now and then they hold any four digits
    expect(JSON.stringify(told)).not.toMatch(/4711|0815|scrypt/);
  });

  it('that are wrong three times have to wait, longer each time, side by side too; faces and other people’s PINs go on', async () => {
    const { door, relay, see } = open({
      ada: { pin: await hashPin(vault, '4711'), pinOpens: true },
      bob: { pin: await hashPin(vault, '0815'), pinOpens: true },
    });
    const answers = await Promise.all(['1111', '2222', '3333', '4711'].map((pin) => door.enterPin(keypad, pin, 'ada')));
    expect(answers.map((answer) => (answer.ok ? 'ok' : answer.reason))).toEqual(['wrong-pin', 'wrong-pin', 'wrong-pin', 'locked-out']);
    await see('ada');
    expect(await door.enterPin(keypad, '0815', 'bob')).toMatchObject({ ok: true });
    expect(relay.pulses.length).toBe(2);
    await clock.advance(30_000);
    expect(await door.enterPin(keypad, '4444', 'ada')).toMatchObject({ reason: 'wrong-pin' });
    await clock.advance(30_000);
    expect(await door.enterPin(keypad, '4711', 'ada')).toMatchObject({ reason: 'locked-out' });
    await door.resetLockOut(operator);
    expect(await door.enterPin(keypad, '4711', 'ada')).toMatchObject({ ok: true });
  });

  it('ten wrong ones close a person’s PIN, across restarts, until an operator ends it or the PIN is a new one', async () => {
    const people = { ada: { pin: await hashPin(vault, '471147'), pinOpens: true } };
    let { door } = open(people);
    for (let i = 0; i < 10; i++) {
      expect(await door.enterPin(keypad, '000000', 'ada')).toMatchObject({ reason: 'wrong-pin' });
      door = open(people).door;
      if (i >= 2)
        expect(await door.enterPin(keypad, '471147', 'ada')).toMatchObject({
          reason: 'locked-out',
          detail: expect.stringMatching(/wait|operator/),
        });
      await clock.advance(3_600_000);
    }
    expect(await door.enterPin(keypad, '471147', 'ada')).toMatchObject({
      reason: 'locked-out',
      detail: expect.stringContaining('lockout.reset'),
    });
    const { door: changed } = open({ ada: { pin: await hashPin(vault, '271828'), pinOpens: true } });
    expect(await changed.enterPin(keypad, '271828', 'ada')).toMatchObject({ ok: true });
    const { door: again } = open(people);
    await again.resetLockOut(operator);
    expect(await open(people).door.enterPin(keypad, '471147', 'ada')).toMatchObject({ ok: true });
  });

  it('of people open nothing while the vault is locked; the emergency PIN does, with any name, and is journalled as that', async () => {
    const people = { ada: { pin: await hashPin(vault, '471147'), pinOpens: true } };
    const none = open(people, {}, () => undefined);
    expect(await none.door.enterPin(keypad, '471147', 'ada')).toMatchObject({ reason: 'vault-locked' });
    const hash = await hashEmergencyPin('27182818');
    const { door, relay } = open(people, {}, () => hash);
    expect(await door.enterPin(keypad, '471147', 'ada')).toMatchObject({ reason: 'wrong-pin' });
    expect(relay.pulses).toEqual([]);
    for (const who of ['ada', undefined]) expect(await door.enterPin(keypad, '27182818', who)).toMatchObject({ ok: true });
    expect(relay.pulses).toEqual([3000, 3000]);
    const [granted] = journal.query({ kinds: ['request.granted'] });
    expect(granted?.event).toEqual({ kind: 'request.granted', what: 'open', by: keypad, emergencyPin: true });
    const open_ = open(people);
    expect(await open_.door.enterPin(keypad, '27182818', 'ada')).toMatchObject({ reason: 'wrong-pin' });
    expect(JSON.stringify(journal.query({}))).not.toMatch(/27182818|471147|scrypt/);
  }, 30_000);

  it('that are tried as the emergency PIN wait longer each time, across restarts; a new one begins at none', async () => {
    let hash = await hashEmergencyPin('27182818');
    let { door } = open({}, {}, () => hash);
    const answers = await Promise.all(['00000000', '1', '', '27182818'].map((pin) => door.enterPin(keypad, pin)));
    expect(answers.map((answer) => (answer.ok ? 'ok' : answer.reason))).toEqual(['wrong-pin', 'wrong-pin', 'wrong-pin', 'locked-out']);
    door = open({}, {}, () => hash).door;
    expect(await door.enterPin(keypad, '27182818')).toMatchObject({ reason: 'locked-out', detail: 'too many wrong PINs: wait 30 s' });
    await clock.advance(30_000);
    expect(await door.enterPin(keypad, '27182819')).toMatchObject({ reason: 'wrong-pin' });
    expect(await door.enterPin(keypad, '27182818')).toMatchObject({ reason: 'locked-out', detail: 'too many wrong PINs: wait 60 s' });
    const before = hash;
    // Another PIN is another salt.
    hash = JSON.stringify({ ...JSON.parse(before), salt: Buffer.alloc(32, 1).toString('base64url') });
    expect(await door.enterPin(keypad, '31415926')).toMatchObject({ reason: 'wrong-pin' });
    hash = before;
    await clock.advance(60_000);
    expect(await door.enterPin(keypad, '27182818')).toMatchObject({ ok: true });
  }, 60_000);

  it('need a name, known or not answered alike, unless the keypad has none', async () => {
    const people = {
      ada: { pin: await hashPin(vault, '4711'), pinOpens: true },
      bob: { pin: await hashPin(vault, '0815'), pinOpens: true },
    };
    const { door } = open(people);
    expect(await door.enterPin(keypad, '4711')).toMatchObject({
      reason: 'wrong-pin',
      detail: expect.stringContaining('access.pinWithoutName'),
    });
    const wrong = await door.enterPin(keypad, '1111', 'ada');
    expect(await door.enterPin(keypad, '1111', 'nobody')).toEqual(wrong);
    expect(await open(people, { pinWithoutName: true }).door.enterPin(keypad, '4711')).toMatchObject({ ok: true });
  });

  it('without a name are not tried for longer by whoever knows one that opens nothing', async () => {
    const people: Record<string, PersonRules> = {
      ada: { pin: await hashPin(vault, '4711'), pinOpens: true },
      mallory: { pin: await hashPin(vault, '1111'), pinOpens: true, enabled: false },
      bob: { pin: await hashPin(vault, '2222'), pinNeeded: true },
    };
    const { door } = open(people, { pinWithoutName: true });
    for (const pin of ['0000', '1111', '0001', '2222', '0002']) await door.enterPin(keypad, pin);
    expect(await door.enterPin(keypad, '1111')).toMatchObject({ reason: 'locked-out' });
    await clock.advance(30_000);
    expect(await door.enterPin(keypad, '4711')).toMatchObject({ ok: true });
    // Who opens alone ends it.
    for (const pin of ['0000', '0001']) expect(await door.enterPin(keypad, pin)).toMatchObject({ reason: 'wrong-pin' });
    expect(await door.enterPin(keypad, '4711')).toMatchObject({ ok: true });
  }, 30_000);

  it('of versions before the vault go on working, and are hashed under its key once they were right', async () => {
    const salt = Buffer.from('a salt of 16 byt');
    const plain = `scrypt$${salt.toString('base64url')}$${scryptSync('471147', salt, 32).toString('base64url')}`;
    const people: Record<string, PersonRules> = { ada: { pin: plain, pinOpens: true, schedule: 'day' } };
    const { door, relay } = open(people, { schedules: { day: ['daily 00:00-24:00'] } });
    expect(await door.enterPin(keypad, '471148', 'ada')).toMatchObject({ reason: 'wrong-pin' });
    expect(people.ada?.pin).toBe(plain);
    expect(await door.enterPin(keypad, '471147', 'ada')).toMatchObject({ ok: true });
    expect(await door.enterPin(keypad, '471148', 'ada')).toMatchObject({ reason: 'wrong-pin' });
    expect(people.ada).toEqual({ pin: expect.stringMatching(/^scrypt-hmac\$/), pinOpens: true, schedule: 'day' });
    expect(await door.enterPin(keypad, '471147', 'ada')).toMatchObject({ ok: true });
    expect(relay.pulses.length).toBe(2);
  });

  it('cannot be tried out by whoever has the hash but not the key of the vault', async () => {
    using another = memoryVault();
    const stored = await hashPin(vault, '471147');
    expect([await isThePin(vault, '471147', stored), await isThePin(another, '471147', stored)]).toEqual([true, false]);
  });

  it('go by the person’s other rules', async () => {
    const { door, relay } = open({ ada: { pin: await hashPin(vault, '4711'), pinOpens: true, enabled: false } });
    expect(await door.enterPin(keypad, '4711', 'ada')).toMatchObject({ ok: false, reason: 'disabled' });
    expect(relay.pulses).toEqual([]);
  });
});

describe('use counts and anti-passback', () => {
  it('count grants since they were set, PINs among them', async () => {
    const since = new Date(clock.wall()).toISOString();
    const { door, relay, see } = open({ ada: { uses: 2, usesSince: since, pin: await hashPin(vault, '4711'), pinOpens: true } });
    await see('ada');
    await door.enterPin(keypad, '4711', 'ada');
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

  it('is disarmed however much happened since, and however long ago by the journal of an older version', async () => {
    await open().door.disarm(operator);
    for (let i = 0; i < 600; i++) journal.append({ kind: 'request.granted', what: 'open', by: { kind: 'exit-button' } });
    expect(open().controller.premises.armed).toBe(false);
    journal[Symbol.dispose]();
    {
      using raw = new DatabaseSync(file());
      raw.exec('DROP TABLE note; DROP TABLE checkpoint; DROP TABLE cut; PRAGMA user_version = 1');
    }
    journal = openJournal({ file: file(), clock });
    expect(open().controller.premises.armed).toBe(false);
  });

  it('is disarmed where its note cannot be read', async () => {
    await open().door.arm(operator);
    journal.keep({ door: '{"armed":true' });
    expect(open().controller.premises.armed).toBe(false);
  });

  it('goes on with a lock-out by the time since the computer started, though the wall clock was set ahead', async () => {
    await open().see(undefined);
    await open().see(undefined);
    clock.jump(3_600_000);
    synchronised = () => false;
    expect(open().controller.lockedOut).toBe(true);
    boot = runTime(clock, 'second');
    expect(open().controller.lockedOut).toBe(true);
    await clock.advance(30_001);
    synchronised = () => true;
    expect(open().controller.lockedOut).toBe(false);
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

describe('a wrong clock', () => {
  const hourMs = 3_600_000;
  const restart = () => {
    boot = runTime(clock, `${boot.id} and again`);
  };
  const until = (ms: number) => ({ ada: { validUntil: new Date(clock.wall() + ms).toISOString() } });
  const outcome = async (people: Readonly<Record<string, PersonRules>>) => {
    await clock.advance(1000);
    await open(people).see('ada');
    const { event } = journal.query({ kinds: ['access.granted', 'access.denied'], limit: 1 })[0]!;
    return event.kind === 'access.denied' ? event.reason : event.kind;
  };

  it('that shows yesterday after a restart lets nobody in whose time was over', async () => {
    const people = until(hourMs);
    expect(await outcome(people)).toBe('access.granted');
    await clock.advance(2 * hourMs);
    expect(await outcome(people)).toBe('expired');
    restart();
    synchronised = () => false;
    clock.jump(-24 * hourMs);
    expect(await outcome(people)).toBe('clock-unsure');
    // A time service that says so does not make it true: entries are newer.
    synchronised = () => true;
    expect(await outcome(people)).toBe('clock-unsure');
    clock.jump(24 * hourMs);
    expect(await outcome(people)).toBe('expired');
  });

  it('is trusted without a time service while the computer runs on, not after it was started again', async () => {
    const people = until(hourMs);
    expect(await outcome(people)).toBe('access.granted');
    synchronised = () => false;
    await clock.advance(10_000);
    expect(await outcome(people)).toBe('access.granted');
    restart();
    expect(await outcome(people)).toBe('clock-unsure');
  });

  it('that was ahead before it was ever set does not make the right time doubtful', async () => {
    const people = until(hourMs);
    synchronised = () => false;
    clock.jump(48 * hourMs);
    expect(await outcome(people)).toBe('clock-unsure');
    clock.jump(-48 * hourMs);
    synchronised = () => true;
    restart();
    expect(await outcome(people)).toBe('access.granted');
  });

  it('gives no use more than was set: set by a clock that was ahead, one use is one grant', async () => {
    clock.jump(48 * hourMs);
    const rules = new Map<string, PersonRules>();
    const gallery = { rules: (id: string) => rules.get(id) ?? {}, setRules: (id: string, to: PersonRules) => void rules.set(id, to) };
    const rule = ruler({ gallery, journal, names: { schedules: [], groups: [] } });
    rule('ada', { uses: 1 });
    clock.jump(-48 * hourMs);
    expect(await outcome(Object.fromEntries(rules))).toBe('access.granted');
    for (let i = 0; i < 4; i++) expect(await outcome(Object.fromEntries(rules))).toBe('used-up');
    // Given again it is one more.
    expect(rule('ada', { uses: 1 })).toMatchObject({ ok: true, changed: ['uses'] });
    expect(await outcome(Object.fromEntries(rules))).toBe('access.granted');
    expect(await outcome(Object.fromEntries(rules))).toBe('used-up');
    // In a new journal every entry counts, whatever the number of the entry that set it.
    expect(await outcome({ ada: { uses: 1, usesAfter: 1000 } })).toBe('used-up');
    // As an older version stored it: from the entry that set the number.
    expect(await outcome({ ada: { uses: 2, usesSince: '2031-01-01T00:00:00.000Z' } })).toBe('access.granted');
  });
});

describe('the wall clock', () => {
  const setUp = (wallMs: number) => {
    const jumps: [number, boolean][] = [];
    const time = { nowMs: 0, wallMs, synchronised: false };
    const watch = clockWatch({
      clock: { wall: () => time.wallMs },
      boot: { id: 'first', nowMs: () => time.nowMs },
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
    expect(watch.sure).toBe(false);
    time.synchronised = true;
    pass(100);
    time.synchronised = false;
    for (let i = 0; i < 100; i++) pass(100, 1);
    expect([watch.sure, jumps]).toEqual([true, []]);
    pass(100, 3_600_000);
    expect([watch.sure, jumps]).toEqual([false, [[3_600_000, false]]]);
    pass(100);
    expect(watch.sure).toBe(false);
    time.synchronised = true;
    pass(100);
    expect(watch.sure).toBe(true);
    pass(100, 10_000);
    expect([watch.sure, jumps.at(-1)]).toEqual([true, [10_000, true]]);
  });

  it('is not trusted while it shows an earlier time than it did when it was sure, until an operator stands by it', () => {
    const { watch, time, pass } = setUp(Date.UTC(2026, 10, 24));
    time.synchronised = true;
    pass(100);
    pass(100, -3_600_000);
    expect(watch.sure).toBe(false);
    watch.accept();
    expect(watch.sure).toBe(true);
    pass(100);
    expect(watch.sure).toBe(true);
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
