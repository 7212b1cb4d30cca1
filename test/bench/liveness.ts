/**
 * The liveness networks: their share of a frame, and what they let through on the clips of ../shared/data/pad, with the
 * shipped threshold and at a camera that is known from half of its live clips (random halves; people do come again, as
 * residents do). One network looks at each frame, in turn, as at the door. Squares that reach beyond the picture count
 * here: two of the sets are crops around the face. Then the London Set, by the ancestry that its people state.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoPeopleFolder, modelFolder } from '../../src/adapters/basics.ts';
import { newRandom } from '../../src/base/random.ts';
import { quantile, type Row, time } from '../../src/cli/door/figures.ts';
import { cutsOf } from '../../src/face/cuts.ts';
import { type Detector, openDetector } from '../../src/face/detect.ts';
import { openDetectorNetwork } from '../../src/face/manifest/detector.ts';
import { decodePicture } from '../../src/face/picture.ts';
import { byDominance } from '../../src/face/quality.ts';
import { knownLive, type LiveVisit, viewsOf } from '../../src/liveness/known.ts';
import { openLivenessNetworks } from '../../src/liveness/manifest.ts';
import { openPassive, type PassiveNetwork } from '../../src/liveness/passive.ts';
import type { FrameEvidence } from '../../src/liveness/port.ts';
import { sharedData } from '../fakes/shared-data.ts';

const halves = 20;
const seed = 18;

interface Looking {
  readonly detector: Detector;
  readonly networks: readonly PassiveNetwork[];
  readonly scales: readonly number[];
  readonly side: number;
}

export async function benchLiveness(): Promise<Row[]> {
  const opened = openLivenessNetworks(modelFolder(process.env.LIVENESS_NETWORKS ?? 'liveness'));
  const looking: Looking = {
    detector: await openDetector(openDetectorNetwork(modelFolder('detector')), { threads: 1 }),
    networks: await openPassive(opened, 1),
    scales: opened.info.scales,
    side: opened.info.side,
  };
  return [...(await latency(looking)), ...(await attacks(looking)), ...(await london(looking))];
}

async function latency({ detector, networks, scales, side }: Looking): Promise<Row[]> {
  const picture = await decodePicture(readFileSync(join(demoPeopleFolder, 'p03-neutral.jpg')));
  const [face] = byDominance(await detector.detect(picture), picture.width, picture.height);
  if (!face) throw new Error('no face in the demo picture');
  const cut = () => cutsOf(picture, face, { scales, side, greyWidth: 320 }, true);
  const { around } = cut();
  let turn = 0;
  const looks = await time(200, 20, async () => {
    const at = turn++ % networks.length;
    await networks[at]?.look(around[at] ?? new Uint8Array(0));
  });
  const cuts = await time(100, 20, cut);
  return [
    { what: 'passive: a network in turn looks at a frame (one thread), mean', value: meanOf(looks), unit: 'ms', target: 6 },
    { what: 'passive: everything is cut out of a frame of 600×600, median', value: quantile(cuts, 0.5), unit: 'ms' },
  ];
}

/** One clip: the evidence of its frames. */
type Clip = readonly FrameEvidence[];

async function clipOf(looking: Looking, files: readonly string[]): Promise<Clip> {
  const frames: FrameEvidence[] = [];
  for (const file of files) {
    const picture = await decodePicture(readFileSync(file));
    const [face] = byDominance(await looking.detector.detect(picture), picture.width, picture.height);
    if (!face) continue;
    const { around } = cutsOf(picture, face, { scales: looking.scales, side: looking.side, greyWidth: 320 }, true);
    // A single frame is looked at by both.
    const turns = files.length === 1 ? looking.networks.keys() : [frames.length % looking.networks.length];
    for (const at of turns) {
      const passive = await looking.networks[at]?.look(around[at] ?? new Uint8Array(0));
      if (passive) frames.push({ ...nowhere, capturedAtMs: frames.length, passive });
    }
  }
  return frames;
}

const nowhere = {
  pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
  place: { x: 0, y: 0, interEye: 0 },
  skin: [0, 0, 0],
  surround: [0, 0, 0],
} as const;

async function attacks(looking: Looking): Promise<Row[]> {
  const pad = sharedData('pad');
  if (!pad) console.error('bench: pad is not here (../shared/data): left out');
  const rows: Row[] = [];
  for (const set of pad ? foldersIn(pad) : []) {
    const clips = new Map<string, Clip[]>();
    for (const instrument of foldersIn(join(pad ?? '', set))) {
      const folder = join(pad ?? '', set, instrument);
      const own: Clip[] = [];
      for (const clip of foldersIn(folder)) own.push(await clipOf(looking, filesIn(join(folder, clip))));
      clips.set(
        instrument,
        own.filter((clip) => viewsOf(clip).length === looking.networks.length),
      );
      console.error(`bench: ${set} ${instrument}: ${own.length} clips`);
    }
    rows.push(...rowsOf(set, clips, looking.networks.length));
  }
  return rows;
}

const logitOf = (clip: Clip): number => meanOf(viewsOf(clip).map(({ logit }) => logit));

function rowsOf(set: string, clips: ReadonlyMap<string, readonly Clip[]>, networks: number): Row[] {
  const live = clips.get('live') ?? [];
  const random = newRandom(seed);
  // By instrument: the share let through, at each half.
  const passed = new Map<string, { shipped: number; known: number[]; atFive: number[] }>();
  const refused: number[] = [];
  for (const [instrument, own] of clips)
    passed.set(instrument, { shipped: share(own, (clip) => logitOf(clip) >= 0), known: [], atFive: [] });
  for (let round = 0; round < halves; round++) {
    const order = live.map((clip) => ({ clip, at: random() })).toSorted((a, b) => a.at - b.at);
    const half = order.length >> 1;
    const visits: LiveVisit[] = order.slice(0, half).map(({ clip }, at) => ({ personId: `${at}`, views: viewsOf(clip) }));
    const others = order.slice(half).map(({ clip }) => clip);
    const { bands, shift } = knownLive(visits, networks);
    const scoreOf = (clip: Clip) => logitOf(clip) - (shift?.(clip) ?? 0);
    refused.push(share(others, (clip) => scoreOf(clip) < bands.live));
    const atFive = quantile(others.map(scoreOf), 0.05);
    for (const [instrument, own] of clips) {
      passed.get(instrument)?.known.push(share(own, (clip) => scoreOf(clip) >= bands.live));
      passed.get(instrument)?.atFive.push(share(own, (clip) => scoreOf(clip) >= atFive));
    }
  }
  const rows: Row[] = [];
  const unit = '%';
  const liveRefused = share(live, (clip) => logitOf(clip) < 0);
  rows.push({
    what: `${set}: live clips that are unsure, camera known`,
    value: meanOf(refused),
    unit,
    baseline: { what: 'shipped', value: liveRefused },
  });
  for (const [instrument, { shipped, known, atFive }] of passed) {
    if (instrument === 'live') continue;
    const target = instrument === 'print' || instrument === 'cut' ? 5 : 10;
    rows.push({
      what: `${set}: ${instrument} that pass, camera known`,
      value: meanOf(known),
      unit,
      baseline: { what: 'shipped', value: shipped },
    });
    rows.push({
      what: `${set}: ${instrument} that pass where 5 % of the live are unsure, camera known`,
      value: meanOf(atFive),
      unit,
      target,
    });
  }
  return rows;
}

async function london(looking: Looking): Promise<Row[]> {
  const folder = sharedData('london');
  const table = folder && join(folder, 'london_info.csv');
  if (!folder || !table || !existsSync(table)) {
    console.error('bench: London is not here (../shared/data): left out');
    return [];
  }
  const lines = readFileSync(table, 'utf8').trim().split('\n').slice(1);
  const groupOf = new Map(lines.map((line) => [line.slice(0, 3), line.trim().split(',').at(-1) ?? '']));
  const groups = new Map<string, boolean[]>();
  for (const look of ['neutral_front', 'smiling_front'])
    for (const file of filesIn(join(folder, look))) {
      const clip = await clipOf(looking, [file]);
      const name = groupOf.get(file.split('/').at(-1)?.slice(0, 3) ?? '') ?? '';
      groups.set(name, [...(groups.get(name) ?? []), logitOf(clip) < 0]);
    }
  const rates = [...groups]
    .filter(([, own]) => own.length >= 15)
    .map(([name, own]) => ({ name, rate: share(own, (unsure) => unsure), count: own.length }));
  const spread = Math.max(...rates.map(({ rate }) => rate)) - Math.min(...rates.map(({ rate }) => rate));
  const what = rates.map(({ name, rate, count }) => `${name} ${rate.toFixed(1)} % of ${count}`).join(', ');
  return [{ what: `London, single pictures below the shipped threshold (${what}): apart`, value: spread, unit: 'points', target: 3 }];
}

const foldersIn = (folder: string) =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .toSorted();
const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /\.(jpg|png)$/i.test(name))
    .toSorted()
    .map((name) => join(folder, name));
const share = <T>(all: readonly T[], is: (one: T) => boolean): number => (100 * all.filter(is).length) / Math.max(1, all.length);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
