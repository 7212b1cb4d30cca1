/** A network is what was hashed: a model that takes anything from another file is refused, wherever in it that stands. */

import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireSelfContained } from '../../../src/base/model/onnx.ts';
import { bytesField, encode, integerField, type Message, messageField, textField } from '../../../src/base/model/protobuf.ts';
import { openInferenceSession } from '../../../src/base/model/session.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import { readOnnx } from '../../../src/train/onnx/onnx-model.ts';
import { openTrainingSession } from '../../../src/train/onnx/onnx-session.ts';

const shipped = new URL('../../../models/embedder/', import.meta.url).pathname;
const twin = readFileSync(join(shipped, 'twin.onnx'));

/** TensorProto: name and where its numbers are. */
const elsewhere = [textField(8, 'w'), messageField(13, textField(1, 'location'), textField(2, 'weights.bin')), integerField(14, 1)];
const inGraph = (...parts: Message[]) => messageField(7, ...parts);
const initializer = messageField(5, ...elsewhere);
/** A node with one attribute. */
const node = (...attribute: Message[]) => messageField(1, messageField(5, ...attribute));
const attributeTensor = messageField(5, ...elsewhere);

describe('a model that takes data from another file is refused, naming what it takes', () => {
  it.each<[string, Message[]]>([
    ['as a weight', [inGraph(initializer)]],
    ['as a weight with a place and no mark', [inGraph(messageField(5, textField(8, 'w'), messageField(13, textField(1, 'location'))))]],
    ['as a weight with a mark and no place', [inGraph(messageField(5, textField(8, 'w'), integerField(14, 1)))]],
    ['as a weight marked by a number of 33 bits', [inGraph(messageField(5, textField(8, 'w'), integerField(14, 2n ** 32n + 1n)))]],
    ['in a second graph, which readers join to the first', [inGraph(), inGraph(initializer)]],
    ['as a constant of a node', [inGraph(node(attributeTensor))]],
    ['as one of several constants', [inGraph(node(messageField(10, ...elsewhere)))]],
    ['in a branch of a node', [inGraph(node(messageField(6, initializer)))]],
    ['in one of several branches', [inGraph(node(messageField(11, node(messageField(6, initializer)))))]],
    ['as the values of a sparse weight', [inGraph(messageField(15, messageField(1, ...elsewhere)))]],
    ['as the places of a sparse weight', [inGraph(messageField(15, messageField(2, ...elsewhere)))]],
    ['as a sparse constant', [inGraph(node(messageField(22, messageField(1, ...elsewhere))))]],
    ['as one of several sparse constants', [inGraph(node(messageField(23, messageField(2, ...elsewhere))))]],
    ['in a function', [inGraph(), messageField(25, messageField(7, messageField(5, attributeTensor)))]],
    ['in a default of a function', [inGraph(), messageField(25, messageField(11, attributeTensor))]],
    ['at the start of training', [inGraph(), messageField(20, messageField(1, initializer))]],
    ['in a step of training', [inGraph(), messageField(20, messageField(2, initializer))]],
  ])('%s', (_, parts) => {
    expect(() => requireSelfContained(encode(...parts), 'twin')).toThrow(/The network twin takes the tensor "w" from another file/);
  });

  it('as a compiled part', () => {
    const model = encode(inGraph(messageField(1, textField(4, 'EPContext'))));
    expect(() => requireSelfContained(model, 'twin')).toThrow(/takes a compiled part \(EPContext\) from another file/);
  });

  it('however deep in branches', () => {
    let branch: Uint8Array = encode(initializer);
    for (let depth = 0; depth < 3000; depth++) branch = encode(node(bytesField(6, branch)));
    expect(() => requireSelfContained(encode(bytesField(7, branch)), 'twin')).toThrow(/from another file/);
  });
});

describe('what cannot be looked through is refused', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('this is no network')],
    ['a model cut short', twin.subarray(0, 100_000)],
    ['a model without a graph', encode(integerField(1, 8))],
    ['the format of ONNX Runtime itself', Buffer.concat([Buffer.from('\x1c\0\0\0ORTM', 'latin1'), twin])],
  ])('%s', (_, bytes) => {
    expect(() => requireSelfContained(bytes, 'twin')).toThrow(/The network twin is not an ONNX model that can be read/);
  });
});

describe('every way to a network', () => {
  /** The shipped embedder with one weight more, in another file: the same bytes, and a graph that readers join to it. */
  const altered = Buffer.concat([twin, encode(inGraph(initializer))]);
  const refusal = expect.objectContaining({ code: 'model-unfit', message: expect.stringContaining('from another file') });

  it('takes the shipped ones', () => {
    expect(() => requireSelfContained(twin, 'twin')).not.toThrow();
  });

  it('refuses the altered one although its manifest has its SHA-256', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'facelatch-outside-'));
    try {
      cpSync(shipped, folder, { recursive: true });
      writeFileSync(join(folder, 'twin.onnx'), altered);
      const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
      const sha256 = createHash('sha256').update(altered).digest('hex');
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, sha256 }));
      expect(() => openEmbedderNetwork(folder)).toThrow(refusal);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses it before ONNX Runtime sees it', async () => {
    const input = { name: 'face', layout: 'NCHW', channels: 'RGB', width: 112, height: 112, mean: [0, 0, 0], std: [1, 1, 1] } as const;
    await expect(openInferenceSession(altered, 'twin', input, { threads: 1 })).rejects.toEqual(refusal);
    await expect(openTrainingSession(altered, 1, 'cpu')).rejects.toEqual(refusal);
    expect(() => readOnnx(altered)).toThrow(refusal);
  });
});
