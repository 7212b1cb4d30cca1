/** A training graph opened in ONNX Runtime, on the processor or on a GPU. The caller owns the session. */
import * as ort from 'onnxruntime-node';
import { asFault, Fault } from '../../base/errors.ts';
import { requireSelfContained } from '../../base/model/onnx.ts';
import type { OnnxDevice } from '../port.ts';

/**
 * Throws Fault `tool-missing` where the device is not available, `reader-failed` where ONNX Runtime does not load the
 * graph, `model-unfit` where the graph takes data from other files.
 */
export async function openTrainingSession(model: Uint8Array, threads: number, device: OnnxDevice): Promise<ort.InferenceSession> {
  requireSelfContained(model, 'being trained');
  try {
    return await ort.InferenceSession.create(model, {
      // The processor computes what the provider of the GPU lacks.
      executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
      ...(threads > 0 && { intraOpNumThreads: threads }),
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
  } catch (error) {
    if (device === 'webgpu')
      throw new Fault(
        'tool-missing',
        "ONNX Runtime finds no GPU for --device webgpu (trainer.device): install the GPU's Vulkan driver, or leave the option out.",
        error,
      );
    if (device === 'cuda')
      throw new Fault(
        'tool-missing',
        'ONNX Runtime cannot use cuda (trainer.device) here: it needs CUDA, cuDNN and its own CUDA libraries beside it (docs/start/jetson.md); or set trainer.device to webgpu or cpu',
        error,
      );
    const fault = asFault(error, 'reader-failed', 'ONNX Runtime does not load the training graph');
    throw new Fault(fault.code, `${fault.message} Try --engine tfjs.`, error);
  }
}
