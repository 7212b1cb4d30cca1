/**
 * One frame from its JPEG to the match against 50 templates, and in the same run the tutorial's way: for each of 50 verification pictures the two of
 * them through the paper's network (two forward passes), with random weights, which take as long as trained ones.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { measureFrame } from '../../src/cli/door/bench.ts';
import { quantile, type Row, time } from '../../src/cli/door/figures.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { initialWeights, paperNetwork } from '../../src/train/network/network.ts';
import { embeddingModel } from '../../src/train/onnx/siamese-graph.ts';

const pictures = 50;

/** Milliseconds of one probe against 50 verification pictures as the tutorial does it, median of three. */
async function tutorialWay(threads: number): Promise<number> {
  const bytes = embeddingModel(paperNetwork, 1, initialWeights(paperNetwork, 1));
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const { side } = paperNetwork;
  const picture = new Tensor('float32', new Float32Array(side ** 2 * 3).fill(0.5), [1, side, side, 3]);
  const once = async () => {
    for (let i = 0; i < 2 * pictures; i++) await session.run({ pictures: picture });
  };
  return quantile(await time(3, 1, once), 0.5);
}

/** The goals of the stages on two cores, milliseconds. */
const goals = { decode: 3, detect: 4.5, align: 0.3, embed: 4.5 };

const withGoal = (row: Row): Row => {
  const stage = (Object.keys(goals) as (keyof typeof goals)[]).find((name) => row.what.includes(`which ${name}`));
  return stage ? { ...row, target: goals[stage] } : row;
};

export async function benchFrame(): Promise<Row[]> {
  const { config } = loadConfig({});
  const [whole, ...rest] = await measureFrame(config);
  const [wide] = await measureFrame(config, undefined, { width: 1280, height: 720 });
  if (!whole || !wide) throw new Error('nothing was measured');
  const tutorial = await tutorialWay(config.face.threads);
  return [
    { ...whole, target: 13, baseline: { what: "the tutorial's way", value: tutorial } },
    { what: "… times faster than the tutorial's way", value: tutorial / whole.value, unit: '×', target: 60, atLeast: true },
    ...rest.map(withGoal),
    { ...wide, target: 16 },
  ];
}
