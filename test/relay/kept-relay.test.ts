/** The relay keeper as a real process over a line that is a file: what a door must never do, whatever dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { openKeptRelay } from '../../src/relay/kept-relay.ts';
import { drivenIn } from '../fakes/file-line.ts';
import { childrenOf, isAlive } from '../fakes/processes.ts';

const adapter = new URL('../fakes/file-line.ts', import.meta.url).href;
const log = openLog('silent');
let folder = '';
let line = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-keeper-'));
  line = join(folder, 'line');
});
afterEach(() => rmSync(folder, { recursive: true }));

const optionsOf = (maxMs = 5000) =>
  ({
    adapter,
    place: { chip: 'file', line, activeLow: false, wiring: 'fail-secure' },
    ...{ maxMs, maxHoldMs: 60_000, log, heartbeatMs: 250 },
  }) as const;

const last = () => drivenIn(line).at(-1);
const until = (check: () => unknown, timeout = 8000) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout, interval: 10 });
/** How long the line was active, counted at its own edges. */
const activeMs = () => {
  const rows = drivenIn(line);
  const on = rows.findLastIndex(({ level }) => level === 'active');
  return (rows[on + 1]?.atMs ?? Number.POSITIVE_INFINITY) - (rows[on]?.atMs ?? 0);
};

describe('a kept relay', () => {
  it('is safe and held by another process once it is open, pulses for the set time, and is safe when closed', async () => {
    const relay = await openKeptRelay(optionsOf());
    expect([relay.level, relay.held, relay.label]).toEqual(['safe', true, 'a file']);
    expect(last()?.pid).not.toBe(process.pid);
    await relay.pulse(300);
    expect(relay.level).toBe('active');
    await until(() => relay.level === 'safe');
    expect(activeMs()).toBeGreaterThanOrEqual(295);
    expect(activeMs()).toBeLessThan(2000);
    await relay.pulse(5000);
    await relay[Symbol.asyncDispose]();
    expect(last()?.level).toBe('safe');
  });

  it('has its pulses capped by the keeper, which goes safe by itself when a lease is not renewed', async () => {
    await using relay = await openKeptRelay(optionsOf(200));
    await relay.pulse(60_000);
    await until(() => relay.level === 'safe');
    expect(activeMs()).toBeLessThan(2000);
    await relay.hold(300);
    await relay.hold(500);
    expect(relay.level).toBe('active');
    await until(() => relay.level === 'safe');
    expect(activeMs()).toBeGreaterThanOrEqual(495);
  });

  it('takes the line back and drives it safe when the keeper is killed, is not held meanwhile, and works again', async () => {
    await using relay = await openKeptRelay(optionsOf());
    await relay.pulse(5000);
    const keeper = last()?.pid as number;
    const killedAtMs = performance.timeOrigin + performance.now();
    process.kill(keeper, 'SIGKILL');
    await until(() => !relay.held);
    await expect(relay.pulse(100)).rejects.toMatchObject({ code: 'relay-failed' });
    await until(() => relay.held);
    const rows = drivenIn(line).filter(({ atMs }) => atMs >= killedAtMs);
    expect(rows[0]).toMatchObject({ level: 'safe', pid: process.pid });
    expect(rows.map(({ level }) => level)).not.toContain('active');
    expect(rows.at(-1)?.pid).not.toBe(keeper);
    await relay.pulse(100);
    await until(() => relay.level === 'safe');
  });

  it('kills a keeper that hangs, and takes the line back', async () => {
    await using relay = await openKeptRelay(optionsOf());
    await relay.pulse(5000);
    const keeper = last()?.pid as number;
    process.kill(keeper, 'SIGSTOP');
    await until(() => last()?.level === 'safe');
    await until(() => relay.held && last()?.pid !== keeper);
  });

  it('told to be safe while its keeper ends by a signal of its own is safe, and no fault', async () => {
    await using relay = await openKeptRelay(optionsOf());
    await relay.pulse(5000);
    process.kill(last()?.pid as number, 'SIGTERM');
    await relay.safe();
    await until(() => last()?.level === 'safe');
  });

  it('goes on trying while the line cannot be taken back, and is not held', async () => {
    await using relay = await openKeptRelay(optionsOf());
    const keeper = last()?.pid as number;
    writeFileSync(`${line}.busy`, '');
    process.kill(keeper, 'SIGKILL');
    await until(() => !relay.held);
    await relay.safe();
    rmSync(`${line}.busy`);
    await until(() => relay.held);
    expect(last()?.level).toBe('safe');
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leaves no keeper behind when closed while a lost one (%s) is being replaced',
    async (signal) => {
      const relay = await openKeptRelay(optionsOf());
      process.kill(last()?.pid as number, signal); // as systemd and Ctrl-C do, which tell daemon and keeper at once
      await until(() => !relay.held);
      await relay[Symbol.asyncDispose]();
      expect(childrenOf(process.pid)).toEqual([]);
      expect(last()?.level).toBe('safe');
    },
  );

  it('does not open without its line, and says why', async () => {
    writeFileSync(`${line}.busy`, '');
    await expect(openKeptRelay(optionsOf())).rejects.toMatchObject({ code: 'relay-busy', message: 'The line is taken by "another"' });
    expect(existsSync(line)).toBe(false);
  });
});

describe('a daemon that goes away in the middle of a pulse', () => {
  const holder = fileURLToPath(new URL('../fakes/relay-holder.ts', import.meta.url));
  let daemon: ChildProcess | undefined;
  afterEach(() => daemon?.kill('SIGKILL'));

  const pulsing = async (then: 'wait' | 'spin') => {
    daemon = spawn(process.execPath, [holder, JSON.stringify(optionsOf(60_000)), then], { stdio: 'ignore' });
    await until(() => existsSync(line) && last()?.level === 'active');
    return daemon;
  };

  it.each(['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const)('leaves no door open: %s', async (signal) => {
    const child = await pulsing('wait');
    child.kill(signal);
    await until(() => last()?.level === 'safe');
    expect(activeMs()).toBeLessThan(8000);
    // The keeper has ended too: nobody holds a door for a daemon that is not there.
    await until(() => !isAlive(last()?.pid as number));
  });

  it('leaves no door open: an event loop that never turns again', async () => {
    await pulsing('spin');
    await until(() => last()?.level === 'safe');
    await until(() => !isAlive(last()?.pid as number));
  });
});
