/** The blocked layout in which this machine's ONNX Runtime convolves; found by trying, because no call reports it. */
import * as ort from 'onnxruntime-node';
import { type Block, convolutionRelu } from './convolution.ts';
import { newGraph } from './onnx-graph.ts';

const channels = 16;
const side = 4;

/**
 * 16 (AVX-512, Arm), 8 (AVX2) or 0 (none). Compares a small convolution in each layout with the plain one. Trying is
 * safe: a wrong block size only mixes up the numbers of a kernel whose channels are a multiple of both.
 */
export async function fastestBlock(): Promise<Block> {
  const plain = await convolved(0);
  for (const block of [16, 8] as const) {
    const blocked = await convolved(block).catch(() => undefined);
    if (blocked?.every((value, index) => Math.abs(value - (plain[index] ?? 0)) < 1e-4)) return block;
  }
  return 0;
}

async function convolved(block: Block): Promise<Float32Array> {
  const graph = newGraph('probe');
  const x = graph.input('x', [1, channels, side, side]);
  const kernel = graph.input('kernel', [channels, channels, 2, 2]);
  graph.output('y', convolutionRelu(graph, x, kernel, graph.input('bias', [channels]), block));
  const session = await ort.InferenceSession.create(graph.encode(), { intraOpNumThreads: 1, logSeverityLevel: 4 });
  try {
    const ramp = (length: number) => Float32Array.from({ length }, (_, index) => Math.sin(index));
    const { y } = await session.run({
      x: new ort.Tensor('float32', ramp(channels * side * side), x.dims),
      kernel: new ort.Tensor('float32', ramp(channels * channels * 4), kernel.dims),
      bias: new ort.Tensor('float32', ramp(channels), [channels]),
    });
    return y?.data as Float32Array;
  } finally {
    await session.release();
  }
}
