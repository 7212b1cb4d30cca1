/**
 * Generated attacks before the running door, played through the replay camera with the checks of movement on: the share
 * of each instrument that opens (APCER of ISO/IEC 30107-3, the worst counts), and what living visitors meet. Nobody
 * answers a challenge. The people do not exist and their heads are one model: the figures compare versions of facelatch,
 * and are no claim about prints and phones at doors. `PRESENTATIONS` sets the number of clips of each instrument.
 */
import type { Row } from '../../src/cli/door/figures.ts';
import type { LivenessPolicy } from '../../src/liveness/port.ts';
import { clopperPearson } from '../../src/train/figures/binomial.ts';
import { attackClip, type Instrument, instruments } from '../attacks/generator/attack.ts';
import { type Clip, liveClip } from '../attacks/generator/live.ts';
import { manners } from '../attacks/generator/script.ts';
import { openStudio, type Studio } from '../attacks/generator/studio.ts';
import { type Outcome, played } from '../attacks/played-door.ts';

const each = Number(process.env.PRESENTATIONS ?? 20);
/** No seed that a test or a threshold was made with. */
const firstSeed = 5000;
const [fps, frames] = [15, 40];
/** What a recording cannot do is asked of everybody under this policy. */
const recordings = ['replay', 'looped'] as const satisfies readonly Instrument[];

export async function benchPresentations(): Promise<Row[]> {
  const studio = openStudio();
  const rows: Row[] = [];
  for (const instrument of instruments) rows.push(rowOf(instrument, await attacked(studio, instrument, 'challenge-when-unsure')));
  for (const instrument of recordings)
    rows.push(rowOf(`${instrument}, everybody challenged`, await attacked(studio, instrument, 'challenge')));
  return [...rows, ...visitorRows(await visited(studio))];
}

const personAt = (studio: Studio, at: number): string => studio.people[at % studio.people.length] ?? '';

async function attacked(studio: Studio, instrument: Instrument, policy: LivenessPolicy): Promise<readonly Outcome[]> {
  const clips: Clip[] = [];
  for (let i = 0; i < each; i++)
    clips.push(await attackClip(studio, { instrument, person: personAt(studio, i), seed: firstSeed + i, fps, frames }));
  return (await played({ studio, clips, enrolled: studio.people, settings: { 'liveness.policy': policy } })).outcomes;
}

/** Everybody of the cast, in each manner in turn. */
async function visited(studio: Studio): Promise<readonly Outcome[]> {
  const clips: Clip[] = [];
  for (let i = 0; i < 2 * each; i++)
    clips.push(
      await liveClip(studio, {
        ...{ person: personAt(studio, i), seed: firstSeed + i, fps, frames },
        manner: manners[i % manners.length] as (typeof manners)[number],
      }),
    );
  return (await played({ studio, clips, enrolled: studio.people })).outcomes;
}

const count = (outcomes: readonly Outcome[], one: Outcome): number => outcomes.filter((outcome) => outcome === one).length;

function rowOf(what: string, outcomes: readonly Outcome[]): Row {
  const others = (['spoof', 'not-live', 'nothing'] as const).map((one) => `${one} ${count(outcomes, one)}`).join(', ');
  return shareRow(`${what}: opens (${others}`, count(outcomes, 'opened'), outcomes.length);
}

function visitorRows(outcomes: readonly Outcome[]): Row[] {
  const waits = count(outcomes, 'not-live') + count(outcomes, 'nothing');
  return [
    shareRow('living visitors taken for a picture (', count(outcomes, 'spoof'), outcomes.length),
    shareRow('living visitors who are asked for more (', waits, outcomes.length),
  ];
}

function shareRow(what: string, hits: number, of: number): Row {
  const [low, high] = clopperPearson(hits, of).map((bound) => (100 * bound).toFixed(1));
  return { what: `${what}${what.endsWith('(') ? '' : '; '}95 %: ${low} to ${high} %)`, value: (100 * hits) / of, unit: `% of ${of}` };
}
