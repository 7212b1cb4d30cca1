/**
 * The liveness networks: their share of a frame, and what they let through on the clips of ../shared/data/pad, with the
 * shipped threshold and at a camera that is known from half of its live clips (random halves; people do come again, as
 * residents do), and what a person's own visits bring. One network looks at each frame, in turn, as at the door. Squares that reach beyond the picture count
 * here: two of the sets are crops around the face. Then the London Set, by the brightness of the skin.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoPeopleFolder, modelFolder } from '../../src/adapters/basics.ts';
import { newRandom } from '../../src/base/random.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { cutsOf } from '../../src/face/cuts.ts';
import { type Detector, openDetector } from '../../src/face/detect.ts';
import { type Embedder, openEmbedder } from '../../src/face/embed.ts';
import { openDetectorNetwork } from '../../src/face/manifest/detector.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { decodePicture } from '../../src/face/picture.ts';
import type { Embedding } from '../../src/face/port.ts';
import { byDominance } from '../../src/face/quality.ts';
import { knownLive, type LiveVisit, viewsOf } from '../../src/liveness/known.ts';
import { openLivenessNetworks } from '../../src/liveness/manifest.ts';
import { openPassive, type PassiveNetwork } from '../../src/liveness/passive.ts';
import type { FrameEvidence } from '../../src/liveness/port.ts';
import { sharedData } from '../fakes/shared-data.ts';
import { ownVisitRows, type SeenClip } from './own-visits.ts';

const halves = 20;
const seed = 18;

interface Looking {
  readonly detector: Detector;
  readonly embedder: Embedder;
  readonly networks: readonly PassiveNetwork[];
  readonly scales: readonly number[];
  readonly side: number;
}

export async function benchLiveness(): Promise<Row[]> {
  const opened = openLivenessNetworks(modelFolder(process.env.LIVENESS_NETWORKS ?? 'liveness'));
  const looking: Looking = {
    detector: await openDetector(openDetectorNetwork(modelFolder('detector')), { threads: 1 }),
    embedder: await openEmbedder(openEmbedderNetwork(modelFolder('embedder')), { threads: 1 }),
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
  const looks = await processorMs(200, async () => {
    const at = turn++ % networks.length;
    await networks[at]?.look(around[at] ?? new Uint8Array(0));
  });
  return [
    { what: 'passive: a network in turn looks at a frame, processor time', value: looks, unit: 'ms', target: 6 },
    { what: 'passive: everything is cut out of a frame of 600×600, processor time', value: await processorMs(100, cut), unit: 'ms' },
  ];
}

/** Mean processor time of a run: it is the same beside other work. */
async function processorMs(runs: number, work: () => unknown): Promise<number> {
  for (let i = 0; i < 20; i++) await work();
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / runs;
}

/** One clip: the evidence of its frames. */
type Clip = SeenClip['frames'];

async function clipOf(looking: Looking, files: readonly string[]): Promise<SeenClip> {
  const frames: FrameEvidence[] = [];
  const faces: Embedding[] = [];
  for (const file of files) {
    const picture = await decodePicture(readFileSync(file));
    const [face] = byDominance(await looking.detector.detect(picture), picture.width, picture.height);
    if (!face) continue;
    const { embedding } = await looking.embedder.embed(looking.embedder.align(picture, face.landmarks));
    faces.push(embedding);
    const { around, skin } = cutsOf(picture, face, { scales: looking.scales, side: looking.side, greyWidth: 320 }, true);
    // A single frame is looked at by both.
    const turns = files.length === 1 ? looking.networks.keys() : [frames.length % looking.networks.length];
    for (const at of turns) {
      const passive = await looking.networks[at]?.look(around[at] ?? new Uint8Array(0));
      if (passive) frames.push({ ...nowhere, skin, capturedAtMs: frames.length, passive });
    }
  }
  return { frames, face: meanFace(faces) };
}

/** Of unit length. */
function meanFace(faces: readonly Embedding[]): Embedding {
  const sum = new Float32Array(faces[0]?.length ?? 0);
  for (const face of faces) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (face[i] as number);
  const length = Math.hypot(...sum) || 1;
  return sum.map((value) => value / length);
}

const nowhere = {
  pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
  place: { x: 0, y: 0, interEye: 0 },
  surround: [0, 0, 0],
} as const;

async function attacks(looking: Looking): Promise<Row[]> {
  const pad = sharedData('pad');
  if (!pad) console.error('bench: pad is not here (../shared/data): left out');
  const rows: Row[] = [];
  for (const set of pad ? foldersIn(pad) : []) {
    const clips = new Map<string, SeenClip[]>();
    for (const instrument of foldersIn(join(pad ?? '', set))) {
      const folder = join(pad ?? '', set, instrument);
      const own: SeenClip[] = [];
      for (const clip of foldersIn(folder)) own.push(await clipOf(looking, filesIn(join(folder, clip))));
      clips.set(
        instrument,
        own.filter(({ frames }) => viewsOf(frames).length === looking.networks.length),
      );
      console.error(`bench: ${set} ${instrument}: ${own.length} clips`);
    }
    const framesOf = new Map([...clips].map(([instrument, own]) => [instrument, own.map(({ frames }) => frames)] as const));
    rows.push(...rowsOf(set, framesOf, looking.networks.length), ...ownVisitRows(set, clips, looking.networks.length));
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

/** By the brightness of the skin, in thirds. The studio's light is the same for everybody. */
async function london(looking: Looking): Promise<Row[]> {
  const folder = sharedData('london');
  if (!folder) console.error('bench: London is not here (../shared/data): left out');
  const seen: { readonly luma: number; readonly logit: number }[] = [];
  for (const look of folder ? ['neutral_front', 'smiling_front'] : [])
    for (const file of filesIn(join(folder ?? '', look))) {
      const { frames: clip } = await clipOf(looking, [file]);
      const [r, g, b] = clip[0]?.skin ?? [0, 0, 0];
      seen.push({ luma: 0.299 * r + 0.587 * g + 0.114 * b, logit: logitOf(clip) });
    }
  if (seen.length === 0) return [];
  const order = seen.toSorted((a, b) => a.luma - b.luma);
  const third = Math.floor(order.length / 3);
  const unsure = [order.slice(0, third), order.slice(third, -third), order.slice(-third)].map((own) =>
    share(own, ({ logit }) => logit < 0),
  );
  const words = unsure.map((rate) => rate.toFixed(1)).join(', ');
  const what = `London, single pictures that are unsure, by skin from dark to bright (${words} %): apart`;
  return [{ what, value: Math.max(...unsure) - Math.min(...unsure), unit: 'points', target: 3 }];
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
