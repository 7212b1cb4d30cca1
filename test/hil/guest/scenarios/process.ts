/** Daemon and keeper killed, stopped and hung with the relay on, through both kernel interfaces: the line is low in the end, and soon. */
import type { Bench, RelayKind, Scenario } from '../bench.ts';
import { pulseMs } from '../bench.ts';
import { nowMs } from '../board.ts';
import { expect, expectSame, pause, run, spread, until } from '../tools.ts';

/** How long after the end of its pulse a line may be seen high: the recorder's own resolution on an emulated processor. Milliseconds. */
const slackMs = 150;
const keeperProcess = /relay\/keeper/;

/** With the relay on, `harm`s; gives the time from then to the line low, which must come within the pulse. */
async function harmed({ board, push }: Bench, harm: () => Promise<unknown> | unknown): Promise<number> {
  const highMs = await push(nowMs());
  await pause(Math.random() * 400);
  const harmedMs = nowMs();
  await harm();
  const lowMs = await board.low(highMs);
  expect(`the line low within the pulse of ${pulseMs} ms`, lowMs - highMs <= pulseMs + slackMs, { highForMs: lowMs - highMs });
  return lowMs - harmedMs;
}

async function times(bench: Bench, what: string, once: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  const count = bench.repeat;
  for (let i = 0; i < count; i++) took.push(await once());
  const { median, max } = spread(took);
  bench.note(`${what}, ${count} times: line low after ${median.toFixed(0)} ms (median), ${max.toFixed(0)} ms (longest)`);
}

const send = async ({ service }: Bench, signal: NodeJS.Signals) => process.kill(await service.mainPid(), signal);

const spin = (ms: number) => `for (const end = performance.now() + ${ms}; performance.now() < end; );`;
/** Its event loop waits for what never comes: what an endless loop is to everybody else, and costs an emulated processor nothing. */
const hang = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
const busy = (bench: Bench, ms: number) => inDaemon(bench, spin(ms));

/** Has the daemon's own event loop do something, from outside: its inspector is opened by SIGUSR1 and told to. */
async function inDaemon(bench: Bench, expression: string): Promise<void> {
  await send(bench, 'SIGUSR1');
  let url = '';
  await until(
    'the inspector',
    async () => {
      const found = (await fetch('http://127.0.0.1:9229/json').then(
        (r) => r.json(),
        () => [],
      )) as { webSocketDebuggerUrl: string }[];
      url = found[0]?.webSocketDebuggerUrl ?? '';
      return url !== '';
    },
    20_000,
    50,
  );
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
}

function scenariosOf(kind: RelayKind): readonly Scenario[] {
  const minutes = (n: number) => n * 60_000;
  return [
    {
      name: `killed-${kind}`,
      title: `kill -9 of the daemon with the relay on (${kind})`,
      limitMs: minutes(15),
      run: async (bench) => {
        await bench.door(kind);
        await times(bench, 'kill -9 of the daemon', async () => {
          const restarts = await bench.service.restarts();
          const took = await harmed(bench, () => send(bench, 'SIGKILL'));
          await bench.service.restarted(restarts);
          return took;
        });
      },
    },
    {
      name: `stopped-${kind}`,
      title: `SIGSTOP of the daemon with the relay on (${kind})`,
      limitMs: minutes(10),
      run: async (bench) => {
        await bench.door(kind);
        await times(bench, 'SIGSTOP of the daemon', async () => {
          const took = await harmed(bench, () => send(bench, 'SIGSTOP'));
          await send(bench, 'SIGCONT');
          await held(bench);
          return took;
        });
      },
    },
    {
      name: `busy-${kind}`,
      title: `a busy loop in the daemon with the relay on (${kind})`,
      limitMs: minutes(15),
      run: async (bench) => {
        await bench.door(kind);
        await busy(bench, 1); // the inspector is open from now on
        await times(bench, 'a busy loop of 2 s in the daemon', async () => {
          const took = await harmed(bench, () => busy(bench, 2000));
          await held(bench);
          return took;
        });
      },
    },
    {
      name: `hung-${kind}`,
      title: `the daemon hangs for good with the relay on: line low within the pulse, and the watchdog restarts it (${kind})`,
      limitMs: minutes(5),
      run: async (bench) => {
        await bench.door(kind);
        await busy(bench, 1);
        const restarts = await bench.service.restarts();
        await harmed(bench, () => inDaemon(bench, hang));
        await until('the watchdog', async () => /watchdog/i.test(await bench.service.text()), 120_000, 1000);
        await bench.service.restarted(restarts);
        await bench.board.low(await bench.push(nowMs()));
      },
    },
    {
      name: `keeper-killed-${kind}`,
      title: `kill -9 of the keeper with the relay on: line low within 500 ms, and a new keeper works (${kind})`,
      limitMs: minutes(10),
      run: async (bench) => {
        await bench.door(kind);
        await times(bench, 'kill -9 of the keeper', async () => {
          const [keeper] = await bench.service.children(keeperProcess);
          expect('a keeper', keeper !== undefined);
          const took = await harmed(bench, () => process.kill(keeper, 'SIGKILL'));
          expect('the line low within 500 ms', took <= 500, took);
          await until(
            'a new keeper',
            async () => !(await bench.service.children(keeperProcess)).includes(keeper) && (await isHeld(bench)),
            60_000,
            200,
          );
          return took;
        });
        await bench.board.low(await bench.push(nowMs()));
      },
    },
    {
      name: `all-killed-${kind}`,
      title: `kill -9 of daemon and keeper at once with the relay on: ExecStopPost makes the line low (${kind})`,
      limitMs: minutes(15),
      run: async (bench) => {
        await bench.door(kind);
        await times(bench, 'kill -9 of daemon and keeper at once', async () => {
          const restarts = await bench.service.restarts();
          const highMs = await bench.push(nowMs());
          const killedMs = nowMs();
          await run('systemctl', 'kill', '--signal=SIGKILL', 'facelatch');
          const lowMs = await bench.board.low(highMs);
          expect('the line low within 3 s', lowMs - killedMs <= 3000, lowMs - killedMs);
          await bench.service.restarted(restarts);
          return lowMs - killedMs;
        });
        await bench.board.low(await bench.push(nowMs()));
      },
    },
    {
      name: `restart-${kind}`,
      title: `stop and restart with the relay on (${kind})`,
      limitMs: minutes(5),
      run: async (bench) => {
        await bench.door(kind);
        bench.note(`systemctl stop: line low after ${(await harmed(bench, () => bench.service.stop())).toFixed(0)} ms`);
        expectSame('the line', bench.board.level(), 0);
        await bench.service.start();
        await harmed(bench, () => bench.service.restart());
        await bench.service.ready();
        await bench.board.low(await bench.push(nowMs()));
      },
    },
  ];
}

const isHeld = async ({ service }: Bench) => !/not held/.test(await service.show('StatusText'));

/** The daemon turns again and its keeper has the line. */
async function held(bench: Bench): Promise<void> {
  await pause(1500); // the status is told once a turn: an old one must not be taken for a new one
  await until('the line held', () => isHeld(bench), 60_000, 200);
}

export const processScenarios: readonly Scenario[] = [...scenariosOf('gpiod'), ...scenariosOf('onoff')];
