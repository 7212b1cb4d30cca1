/**
 * Whether an ONNX model is all in its own bytes. The bytes go in; a model that would load a file, or that cannot be
 * looked through, is refused. A manifest's SHA-256 covers one file, so nothing else may decide what runs.
 */
import { Fault, messageOf } from '../errors.ts';
import { fieldsOf } from './protobuf.ts';

type Part = 'model' | 'training' | 'function' | 'graph' | 'node' | 'attribute' | 'sparse tensor' | 'tensor';

/**
 * Where a message holds others that may hold a tensor, by field number
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
const inside: Readonly<Record<Part, Readonly<Record<number, Part>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse tensor', 23: 'sparse tensor' },
  'sparse tensor': { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};
const tensorName = 8;
const tensorExternalData = 13;
const tensorDataLocation = 14;
const nodeOperator = 4;
/** An operator of ONNX Runtime that loads a compiled network from the file that it names. */
const loadingOperator = 'EPContext';

/**
 * Looks at every tensor of a model, also in subgraphs, functions and training steps.
 * @throws Fault `model-unfit` if one of them is in another file, or the bytes are not an ONNX model.
 */
export function requireSelfContained(bytes: Uint8Array, name: string): void {
  let outside: string | undefined;
  try {
    outside = outsideOf(bytes);
  } catch (error) {
    throw new Fault('model-unfit', `The network ${name} is not an ONNX model that can be read: ${messageOf(error)}`, error);
  }
  if (outside !== undefined)
    throw new Fault(
      'model-unfit',
      `The network ${name} takes ${outside} from another file, which its SHA-256 does not cover. Save it again with all data in one file (in Python: onnx.save(onnx.load("model.onnx"), "one.onnx"))`,
    );
}

/** What the model would load; undefined if nothing. A list of open work, not recursion: depth costs no stack. */
function outsideOf(bytes: Uint8Array): string | undefined {
  // ONNX Runtime reads its own format (flatbuffers), too. It is not looked through here.
  if (Buffer.from(bytes.subarray(4, 8)).toString('latin1') === 'ORTM') throw new RangeError('it is in the ORT format; use the ONNX file');
  const open: { readonly part: Part; readonly bytes: Uint8Array }[] = [{ part: 'model', bytes }];
  let graphs = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { part } = next;
    if (part === 'graph') graphs++;
    let [name, elsewhere] = ['', false];
    for (const { number, value } of fieldsOf(next.bytes)) {
      const within = inside[part][number];
      if (within && value instanceof Uint8Array) open.push({ part: within, bytes: value });
      else if (part === 'tensor' && number === tensorName) name = textOf(value);
      else if (part === 'tensor' && (number === tensorExternalData || (number === tensorDataLocation && value !== 0n))) elsewhere = true;
      else if (part === 'node' && number === nodeOperator && textOf(value) === loadingOperator)
        return `a compiled part (${loadingOperator})`;
    }
    if (elsewhere) return name === '' ? 'a tensor' : `the tensor ${JSON.stringify(name.slice(0, 100))}`;
  }
  if (graphs === 0) throw new RangeError('it has no graph');
  return undefined;
}

const textOf = (value: bigint | Uint8Array): string => (value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '');
