/**
 * The worker thread that reads pictures, because ONNX Runtime's run() blocks its thread. reader.ts starts and ends it.
 * Encoded pictures come in by message, Readings go out.
 */
import { workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { answerCalls, buffersIn } from '../base/process/called-thread.ts';
import type { Overtaken } from '../base/process/overtaking.ts';
import { giveWay } from '../base/side-thread.ts';
import { cutsOf } from './cuts.ts';
import { type Detection, type Detector, openDetector } from './detect.ts';
import { type EmbeddedFace, type Embedder, openEmbedder } from './embed.ts';
import { openDetectorNetwork } from './manifest/detector.ts';
import { openEmbedderNetwork } from './manifest/embedder.ts';
import { divided } from './mask.ts';
import { decodePicture, type Picture } from './picture.ts';
import type { EmbedderInfo, Face, Framing, Quality, QualityLimits, QualityReason, Reading, ReadOptions } from './port.ts';
import { byDominance, isBeyondEdge, judge, looksOf } from './quality.ts';
import type { ReaderOptions, WorkerRequest } from './reader.ts';
import { type Turned, turnedJpeg, turnOf } from './turn.ts';

const options = workerData as ReaderOptions;

/** Most faces of one picture that are aligned and judged: a crowd must not stall the door. */
const mostFaces = 8;

interface Pipeline {
  readonly detector: Detector;
  readonly embedder: Embedder;
  readonly framing: Framing;
  readonly limits: QualityLimits;
  /** Lowest fitness, 0…1. */
  readonly fitness: { readonly door: number; readonly enrolment: number };
  readonly info: EmbedderInfo;
}

/** Milliseconds, added to. */
interface Times {
  align: number;
  embed: number;
}

type Purpose = NonNullable<ReadOptions['purpose']>;

async function openPipeline(limits: QualityLimits): Promise<Pipeline> {
  if (options.niceness !== undefined) giveWay(options.niceness);
  sharp.concurrency(1);
  sharp.cache(false);
  const network = openEmbedderNetwork(options.embedder);
  // They are needed once, and take as much memory as the network.
  if (typeof options.embedder !== 'string') options.embedder.files.clear();
  const { threads, provider = 'cpu' } = options;
  const detector = await openDetector(openDetectorNetwork(options.detector), { threads, provider });
  const embedder = await openEmbedder(network, { threads, provider });
  const { quality } = network.info;
  const bound = (set: number, stated: number | undefined) => (set >= 0 ? set : (stated ?? 0));
  const fitness = {
    door: bound(limits.minFitness, quality?.door),
    enrolment: bound(limits.minEnrolmentFitness, quality?.enrolment),
  };
  return {
    detector,
    embedder,
    framing: { width: network.input.width, height: network.input.height, points: network.template },
    limits,
    fitness,
    info: network.info,
  };
}

async function read(
  pipeline: Pipeline,
  { picture: encoded, embed = 'good', mask, purpose = 'door', cuts }: WorkerRequest,
  steps: Overtaken,
  decoding = decodePicture(encoded),
): Promise<Reading> {
  const { detector } = pipeline;
  const started = performance.now();
  const picture = await steps.beside(decoding);
  const decoded = performance.now();
  const { counted, still } = divided(await detector.detect(picture), picture, mask);
  const found = byDominance(counted, picture.width, picture.height).slice(0, mostFaces);
  await steps.next();
  const times = { align: 0, embed: 0 };
  const known = purpose === 'stored' && embed !== 'none' && found[0] ? await cutAndEmbed(pipeline, picture, found[0], times) : undefined;
  // Live frames never pay for this.
  const turned: Turned =
    purpose === 'door' || isSurelyUpright(known, pipeline.info)
      ? { kind: 'upright' }
      : await turnOf(picture, found[0], { detector, next: steps.next });
  const detected = performance.now() - times.align - times.embed;
  const wanted = embed === 'none' ? 'none' : embed === 'dominant' ? 'all' : 'good';
  const faces: Face[] = [];
  for (const [index, face] of found.entries()) {
    const others = found.filter((other) => other !== face);
    const first = index === 0;
    const embedded = wanted === 'all' && !first ? 'none' : wanted;
    const isTurned = first && turned.kind !== 'upright';
    faces.push(
      await judged(pipeline, { picture, face, others, isTurned, embed: embedded, purpose, steps, known: first ? known : undefined }, times),
    );
  }
  const resting: Face[] = [];
  for (const [index, face] of still.slice(0, mostFaces).entries()) {
    const first = index === 0 && found.length === 0;
    const embedded = !mask?.check || (wanted === 'all' && !first) ? 'none' : wanted;
    resting.push(await judged(pipeline, { picture, face, others: [], isTurned: false, embed: embedded, purpose, steps }, times));
  }
  const cutFrom = performance.now();
  const cut = cuts && faces[0] && cutsOf(picture, faces[0], cuts, faces[0].embedding !== undefined);
  times.align += performance.now() - cutFrom;
  return {
    width: picture.width,
    height: picture.height,
    faces,
    ...(cut && { cuts: cut }),
    ...(resting.length > 0 && { still: resting }),
    ...(turned.kind === 'turned' && { turn: { byDeg: turned.byDeg, picture: await steps.beside(turnedJpeg(picture, turned.byDeg)) } }),
    timings: { decode: decoded - started, detect: detected - decoded, ...times },
  };
}

interface Judging {
  readonly picture: Picture;
  readonly face: Detection;
  readonly others: readonly Detection[];
  readonly isTurned: boolean;
  /** `all`: whatever its quality. */
  readonly embed: 'all' | 'good' | 'none';
  readonly purpose: Purpose;
  readonly steps: Overtaken;
  readonly known?: CutAndEmbedded | undefined;
}

interface CutAndEmbedded {
  readonly aligned: Uint8Array;
  readonly embedded: EmbeddedFace;
}

async function cutAndEmbed({ embedder }: Pipeline, picture: Picture, face: Detection, times: Times): Promise<CutAndEmbedded> {
  const from = performance.now();
  const aligned = embedder.align(picture, face.landmarks);
  const before = performance.now();
  const embedded = await embedder.embed(aligned);
  times.align += before - from;
  times.embed += performance.now() - before;
  return { aligned, embedded };
}

/**
 * A face whose identity can be told is not turned: of 724 turned pictures of LFW none is fit for enrolment. That saves
 * three detections. Enrolment does not rely on it.
 */
const isSurelyUpright = (known: CutAndEmbedded | undefined, { quality }: EmbedderInfo): boolean =>
  quality !== undefined && (known?.embedded.fitness ?? 0) >= quality.enrolment;

/** One face, judged, and embedded if it is to be; `times` is added to. */
async function judged(
  { embedder, framing, limits, fitness: needed }: Pipeline,
  { picture, face, others, isTurned, embed, purpose, steps, known }: Judging,
  times: Times,
): Promise<Face> {
  await steps.next();
  const from = performance.now();
  const aligned = known?.aligned ?? embedder.align(picture, face.landmarks);
  const own = judge(face, others, looksOf(aligned, framing.width, framing.height), picture.width, picture.height, limits);
  const whole = purpose === 'enrolment' && isBeyondEdge(face.landmarks, framing, picture) ? withReason(own, 'cut-off') : own;
  const quality = isTurned ? withReason(whole, 'turned') : whole;
  times.align += performance.now() - from;
  if (embed === 'none' || (embed === 'good' && quality.reasons.length > 0)) return { ...face, quality };
  const before = performance.now();
  const { embedding, ...fitness } = known?.embedded ?? (await embedder.embed(aligned));
  const fit = fitness.fitness === undefined || fitness.fitness >= (purpose === 'enrolment' ? needed.enrolment : needed.door);
  const covered = fit && purpose === 'enrolment' ? await embedder.coveredHalf(aligned, steps.next) : undefined;
  times.embed += performance.now() - before;
  if (covered) return { ...face, quality: withReason(quality, 'unfit'), ...fitness, covered };
  if (fit) return { ...face, quality, ...fitness, ...weightOf(fitness.fitness, needed), embedding };
  return { ...face, quality: withReason(quality, 'unfit'), ...fitness, ...(embed === 'all' ? { embedding } : {}) };
}

/** ½ for a face just fit for the door, 1 for one fit for enrolment. */
function weightOf(fitness: number | undefined, { door, enrolment }: Pipeline['fitness']): { weight?: number } {
  if (fitness === undefined) return {};
  const share = enrolment > door ? (fitness - door) / (enrolment - door) : 1;
  return { weight: 0.5 + 0.5 * Math.min(1, Math.max(0, share)) };
}

function withReason(quality: Quality, reason: QualityReason): Quality {
  return quality.reasons.includes(reason) ? quality : { ...quality, reasons: [...quality.reasons, reason] };
}

/** A large picture is not kept decoded while it waits, bytes. */
const mostAhead = 1_000_000;

/**
 * The next picture is decoded while the networks look at the one in hand. One for an enrolment is not: it would take
 * the processor from a frame.
 */
function decodedAhead({ picture, purpose }: WorkerRequest): Promise<Picture> | undefined {
  if (purpose === 'enrolment' || picture.length > mostAhead) return undefined;
  const decoding = decodePicture(picture);
  decoding.catch(() => undefined); // its turn tells
  return decoding;
}

// One step of one picture at a time: the input buffers of the networks are shared, and a face must never get another
// face's embedding. A frame of the camera overtakes every other picture, also between the steps of one.
await answerCalls<EmbedderInfo, WorkerRequest, Reading, Promise<Picture>>(async () => {
  const pipeline = await openPipeline(options.limits);
  return {
    info: pipeline.info,
    answer: (request, steps, decoding) => read(pipeline, request, steps, decoding),
    begin: decodedAhead,
    canWait: ({ purpose = 'door' }) => purpose !== 'door',
    transfer: ({ cuts }) => buffersIn(cuts),
  };
});
