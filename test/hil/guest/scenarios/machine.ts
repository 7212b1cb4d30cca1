/** The machine under the daemon: a full disk, a clock that jumps, a plug that is pulled. */
import { readFileSync } from 'node:fs';
import { type Bench, type Memory, pulseMs, type RelayKind, type Scenario } from '../bench.ts';
import { nowMs } from '../board.ts';
import { expect, expectSame, pause, run, succeeds, until } from '../tools.ts';

const state = '/var/lib/facelatch';

async function lengthOfPush({ board, push }: Bench, during: () => Promise<unknown> = async () => undefined): Promise<number> {
  const highMs = await push(nowMs());
  await during();
  return (await board.low(highMs)) - highMs;
}

async function diskFull(bench: Bench): Promise<void> {
  const { board, service, camera, door, enrol } = bench;
  await enrol();
  await run(
    'sh',
    '-c',
    `cp -a ${state} /run/state-copy; mount -t tmpfs -o size=16m tmpfs ${state}; cp -a /run/state-copy/. ${state}; chown facelatch: ${state}; chmod 700 ${state}`,
  );
  try {
    await camera.plugIn('nobody');
    await door('gpiod', { access: { cooldownMs: 0 } });
    await until('the camera runs', async () => /camera running/.test(await service.show('StatusText')), 90_000, 300);
    await succeeds('sh', '-c', `dd if=/dev/zero of=${state}/filler bs=4k; sync`);
    const sinceMs = nowMs();
    await service.forget();
    await camera.show('enrolled');
    await until('the denial', async () => /journal-down|disk-full|journal cannot/i.test(await service.text()), 180_000, 500);
    await pause(3000);
    expectSame('pulses without a journal', board.pulsesSince(sinceMs), []);
    expect('the service active', await service.active());
    await camera.show('nobody');
    await pause(12_000);
    await run('rm', `${state}/filler`);
    await camera.show('enrolled');
    await board.low(await board.high(sinceMs, 180_000));
  } finally {
    await succeeds('systemctl', 'stop', 'facelatch');
    await run('umount', state);
    await run('rm', '-rf', '/run/state-copy');
  }
}

async function clockJump(bench: Bench, kind: RelayKind): Promise<void> {
  await bench.door(kind);
  const sinceMs = nowMs();
  for (const jump of ['+2 hours', '-5 hours', '+400 days']) {
    const lengthMs = await lengthOfPush(bench, () => run('date', '--set', jump));
    expect(`a pulse of ${pulseMs} ms ± 10 % over a jump of ${jump}`, Math.abs(lengthMs - pulseMs) <= pulseMs / 10, lengthMs);
    await pause(1000);
  }
  expectSame('pulses', bench.board.pulsesSince(sinceMs).length, 3);
  expect('the service active, never restarted', (await bench.service.active()) && (await bench.service.restarts()) === 0);
}

/** The plug is pulled with the relay on, while every push writes to the journal. */
async function powerCut(bench: Bench, kind: RelayKind, times: number, memory?: Memory): Promise<void> {
  const cuts = Number(memory?.cuts ?? 0);
  const reported = `/out/reported-${kind}-${cuts}.log`;
  if (cuts > 0) await afterPower(bench, `/out/reported-${kind}-${cuts - 1}.log`);
  else {
    await bench.door(kind);
    await run('sync');
  }
  if (cuts === times) return;
  // What the daemon said since this door was made, kept outside the machine as it says it.
  bench.service.follow(reported);
  for (let i = 0; i < 2 + cuts; i++) await lengthOfPush(bench);
  await bench.push(nowMs());
  await pause(cuts * 40);
  await bench.powerCut({ cuts: cuts + 1 });
}

async function afterPower(bench: Bench, reported: string): Promise<void> {
  expectSame('the line after power came back', bench.board.level(), 0);
  await bench.service.ready();
  const verdict = await bench.service.facelatch('journal', 'verify');
  bench.note(verdict.trim());
  const entries = parse(await bench.service.facelatch('journal', '--json', '--limit', '1000'));
  const lines = parse(readFileSync(reported, 'utf8')).filter(({ seq, kind }) => seq !== undefined && kind);
  expect('something reported', lines.length >= 4, lines.length);
  const lost = lines.filter(({ seq, kind }) => !entries.some((entry) => entry.seq === seq && JSON.stringify(entry).includes(`"${kind}"`)));
  expectSame('lost of what was reported', lost, []);
}

interface Entry {
  readonly seq?: number;
  readonly kind?: string;
}

/** JSON lines, or one document with entries. */
function parse(text: string): readonly Entry[] {
  const documents = text.split('\n').flatMap((line) => {
    try {
      return line.startsWith('{') || line.startsWith('[') ? [JSON.parse(line)] : [];
    } catch {
      return []; // the line that was being written when the power went
    }
  });
  return documents.flatMap((d) => (Array.isArray(d) ? d : Array.isArray(d.entries) ? d.entries : [d]));
}

export const machineScenarios: readonly Scenario[] = [
  {
    name: 'disk-full',
    title: 'the disk is full: an enrolled face is denied for want of a journal; with room again it opens',
    limitMs: 500_000,
    run: diskFull,
  },
  ...(['gpiod', 'onoff'] as const).map(
    (kind): Scenario => ({
      name: `clock-jump-${kind}`,
      title: `the clock jumps forth and back during a pulse: pulses keep their length (${kind})`,
      run: (bench) => clockJump(bench, kind),
    }),
  ),
  ...(
    [
      ['gpiod', 3],
      ['onoff', 1],
    ] as const
  ).map(
    ([kind, times]): Scenario => ({
      name: `power-cut-${kind}`,
      title: `the plug is pulled with the relay on, ${times === 1 ? 'once' : 'three times'}: line low, journal whole, nothing lost that was reported (${kind})`,
      limitMs: 400_000,
      run: (bench, memory) => powerCut(bench, kind, times, memory),
    }),
  ),
];
