/** What is wired to the door besides the relay: exit button, door contact, tamper switch. */
import { pulseMs, type Scenario } from '../bench.ts';
import { nowMs } from '../board.ts';
import { expect, expectSame, pause } from '../tools.ts';

export const inputScenarios: readonly Scenario[] = [
  ...(['gpiod', 'onoff'] as const).map(
    (kind): Scenario => ({
      name: `exit-button-${kind}`,
      title: `one push of the exit button is one pulse of the set length (${kind})`,
      run: async ({ board, door, push, note }) => {
        await door(kind);
        for (let i = 0; i < 3; i++) {
          const sinceMs = nowMs();
          await board.low(await push(sinceMs));
          await pause(1000);
          const pulses = board.pulsesSince(sinceMs);
          expectSame('pulses', pulses.length, 1);
          const lengthMs = pulses[0]?.lengthMs ?? 0;
          expect(`a pulse of ${pulseMs} ms ± 10 %`, Math.abs(lengthMs - pulseMs) <= pulseMs / 10, lengthMs);
          note(`pulse set ${pulseMs} ms, on the line ${lengthMs.toFixed(0)} ms`);
        }
      },
    }),
  ),
  {
    name: 'forced-open',
    title: 'the door opens without a release: forced open; after a release it does not count as forced',
    run: async ({ board, service, door, push }) => {
      await door('gpiod', { access: { graceMs: 2000 } });
      await pause(1000);
      await service.forget();
      await board.low(await push(nowMs()));
      board.set('DOOR_CONTACT', true);
      const { expected } = await service.event('door.opened');
      expectSame('expected', expected, true);
      board.set('DOOR_CONTACT', false);
      await service.event('door.closed');
      await pause(4000);
      await service.forget();
      board.set('DOOR_CONTACT', true);
      await service.event('door.forced-open');
    },
  },
  {
    name: 'held-open',
    title: 'a door that stays open is an alarm, once',
    run: async ({ board, service, door, push }) => {
      await door('gpiod', { access: { graceMs: 2000, heldOpenMs: 3000 } });
      await board.low(await push(nowMs()));
      board.set('DOOR_CONTACT', true);
      const { openMs } = await service.event('door.held-open');
      expect('told after 3 s', Number(openMs) >= 3000, openMs);
      await pause(8000);
      expectSame('alarms', (await service.logged()).filter(({ kind }) => kind === 'door.held-open').length, 1);
    },
  },
  {
    name: 'inputs-restart',
    title: 'across a restart: a stuck exit button opens nothing, a door found open is told as forced and its alarm comes, once',
    run: async ({ board, service, door, push }) => {
      await door('gpiod', { access: { graceMs: 2000, heldOpenMs: 6000 } });
      await board.low(await push(nowMs()));
      await service.stop();
      board.set('EXIT_BUTTON', true);
      board.set('DOOR_CONTACT', true);
      await service.forget();
      const sinceMs = nowMs();
      await service.start();
      await service.event('door.forced-open');
      const { openMs } = await service.event('door.held-open');
      expect('told after 6 s', Number(openMs) >= 6000, openMs);
      await pause(8000);
      expectSame('pulses by the stuck button', board.pulsesSince(sinceMs), []);
      const alarms = (await service.logged()).filter(({ kind }) => kind === 'door.held-open' || kind === 'door.forced-open');
      expectSame(
        'alarms',
        alarms.map(({ kind }) => kind),
        ['door.forced-open', 'door.held-open'],
      );
      board.set('EXIT_BUTTON', false);
      board.set('DOOR_CONTACT', false);
      await service.event('door.closed');
      await board.low(await push(nowMs()));
    },
  },
  {
    name: 'tamper',
    title: 'the tamper switch blocks face and remote opening, across a restart too; the button goes on working',
    limitMs: 500_000,
    run: async ({ board, service, camera, door, enrol, push }) => {
      await enrol();
      await camera.plugIn('nobody');
      await door('gpiod', { access: { tamperBlockMs: 3_600_000, cooldownMs: 0 } });
      board.set('TAMPER', true);
      await service.event('tamper.raised');
      board.set('TAMPER', false);
      await service.event('tamper.cleared');
      await service.restart();
      await service.forget();
      const sinceMs = nowMs();
      await camera.show('enrolled');
      await service.event('access.denied', 180_000, ({ reason }) => reason === 'tampered');
      expectSame('pulses by face', board.pulsesSince(sinceMs), []);
      await board.low(await push(nowMs()));
    },
  },
];
