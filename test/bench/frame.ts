/**
 * One frame from its JPEG to the match against 50 templates, stage by stage, and in the same run the tutorial's way: for each of 50 verification
 * pictures the two of them through the paper's network (two forward passes), with random weights, which take as long as trained ones.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Config } from '../../src/config.ts';
import { defaults } from '../../src/config.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { gallerySearch } from '../../src/identity/search.ts';
import { initialWeights, paperNetwork } from '../../src/train/network.ts';
import { embeddingModel } from '../../src/train/siamese-graph.ts';
import { modelFolder } from '../../src/wire.ts';
import { randomEmbeddings } from './match.ts';
import { personFrame } from './scene.ts';
import { quantile, type Row, time } from './table.ts';

const templates = 50;

/** Milliseconds of one probe against 50 verification pictures as the tutorial does it, median of three. */
async function tutorialWay(threads: number): Promise<number> {
  const bytes = embeddingModel(paperNetwork, 1, initialWeights(paperNetwork, 1));
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  const picture = new Tensor('float32', new Float32Array(paperNetwork.side ** 2 * 3).fill(0.5), [
    1,
    paperNetwork.side,
    paperNetwork.side,
    3,
  ]);
  const once = async () => {
    for (let i = 0; i < templates; i++) {
      await session.run({ pictures: picture });
      await session.run({ pictures: picture });
    }
  };
  return quantile(await time(3, 1, once), 0.5);
}

export async function benchFrame(): Promise<Row[]> {
  const { face } = defaults() as Config;
  await using reader = await openFaceReader({
    detector: modelFolder(face.detector),
    embedder: modelFolder(face.embedder),
    threads: face.threads,
    limits: face.quality,
  });
  const frame = await personFrame('p01-smiling');
  const search = gallerySearch(reader.embedder, 0.99);
  search.load(randomEmbeddings(templates, reader.embedder.dimension).map((template, i) => ({ id: String(i), templates: [template] })));
  const stages = { decode: [] as number[], detect: [] as number[], align: [] as number[], embed: [] as number[] };
  const whole = await time(300, 30, async () => {
    const { faces, timings } = await reader.read(frame);
    for (const stage of Object.keys(stages) as (keyof typeof stages)[]) stages[stage].push(timings[stage]);
    const embedding = faces[0]?.embedding;
    if (!embedding) throw new Error('the bench person was not embedded');
    search.match(embedding, 16);
  });
  const p50 = quantile(whole, 0.5);
  const tutorial = await tutorialWay(face.threads);
  return [
    {
      what: 'one frame 640×480, decode → match against 50, p50',
      value: p50,
      unit: 'ms',
      target: 15,
      baseline: { what: "the tutorial's way", value: tutorial },
    },
    { what: "… times faster than the tutorial's way", value: tutorial / p50, unit: '×', target: 60, atLeast: true },
    { what: 'one frame, p95', value: quantile(whole, 0.95), unit: 'ms' },
    ...Object.entries(stages).map(([stage, samples]) => ({ what: `  of which ${stage}, p50`, value: quantile(samples, 0.5), unit: 'ms' })),
  ];
}
