/**
 * The worker thread that reads pictures, because ONNX Runtime's run() blocks its thread. reader.ts starts and ends it.
 * Encoded pictures come in by message, Readings go out.
 */
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { Fault, messageOf } from '../base/errors.ts';
import { serialQueue } from '../base/serial.ts';
import { openDetector } from './detect.ts';
import { openEmbedder } from './embed.ts';
import { openDetectorNetwork, openEmbedderNetwork } from './manifest.ts';
import { divided } from './mask.ts';
import { decodePicture } from './picture.ts';
import type { Face, QualityLimits, Reading, ReadOptions } from './port.ts';
import { byDominance, judge, lightOf } from './quality.ts';
import type { ReaderOptions, WorkerAnswer, WorkerRequest } from './reader.ts';

const options = workerData as ReaderOptions;
const port = parentPort;
if (!port) throw new Error('worker.ts runs as a worker thread');

/** Most faces of one picture that are aligned and judged: a crowd must not stall the door. */
const mostFaces = 8;

function faultOf(error: unknown): Extract<WorkerAnswer, { kind: 'fault' }> {
  return { kind: 'fault', code: error instanceof Fault ? error.code : 'reader-failed', message: messageOf(error) };
}

async function openPipeline(limits: QualityLimits) {
  sharp.concurrency(1);
  sharp.cache(false);
  const embedderNetwork = openEmbedderNetwork(options.embedder);
  const { threads, provider = 'cpu' } = options;
  const detector = await openDetector(openDetectorNetwork(options.detector), { threads, provider });
  const embedder = await openEmbedder(embedderNetwork, { threads, provider });
  const { width: faceWidth, height: faceHeight } = embedderNetwork.input;
  const read = async (encoded: Uint8Array, { embed: want, mask }: ReadOptions): Promise<Reading> => {
    const started = performance.now();
    const picture = await decodePicture(encoded);
    const decoded = performance.now();
    const { counted, still } = divided(await detector.detect(picture), picture, mask);
    const found = byDominance(counted, picture.width, picture.height).slice(0, mostFaces);
    const detected = performance.now();
    let alignMs = 0;
    let embedMs = 0;
    const faces: Face[] = [];
    const resting: Face[] = [];
    for (const [index, face] of [...found, ...still.slice(0, mostFaces)].entries()) {
      const from = performance.now();
      const isStill = index >= found.length;
      const aligned = embedder.align(picture, face.landmarks);
      const others = isStill ? [] : found.filter((other) => other !== face);
      const quality = judge(face, others, lightOf(aligned, faceWidth, faceHeight), picture.width, picture.height, limits);
      const judged = performance.now();
      alignMs += judged - from;
      const wanted = want === 'none' ? false : want === 'dominant' ? index === 0 : quality.reasons.length === 0;
      const embed = wanted && (!isStill || mask?.check === true);
      (isStill ? resting : faces).push({ ...face, quality, ...(embed ? { embedding: await embedder.embed(aligned) } : {}) });
      embedMs += performance.now() - judged;
    }
    return {
      width: picture.width,
      height: picture.height,
      faces,
      ...(resting.length > 0 && { still: resting }),
      timings: { decode: decoded - started, detect: detected - decoded, align: alignMs, embed: embedMs },
    };
  };
  return { read, info: embedderNetwork.info };
}

try {
  const pipeline = await openPipeline(options.limits);
  const answer = async ({ id, picture, embed = 'good', mask }: WorkerRequest) => {
    try {
      port.postMessage({
        kind: 'reading',
        id,
        reading: await pipeline.read(picture, { embed, ...(mask && { mask }) }),
      } satisfies WorkerAnswer);
    } catch (error) {
      port.postMessage({ ...faultOf(error), id } satisfies WorkerAnswer);
    }
  };
  // One picture after the other: the input buffers of the networks are shared, and a face must never get another face's
  // embedding.
  const inTurn = serialQueue();
  port.on('message', (request: WorkerRequest) => void inTurn(() => answer(request)));
  port.postMessage({ kind: 'ready', info: pipeline.info } satisfies WorkerAnswer);
} catch (error) {
  port.postMessage(faultOf(error));
}
