/**
 * `facelatch models describe`: the layers of a network that can be trained, with shapes and parameters read from its
 * graph.
 */
import { Argument, Command, Option } from 'commander';
import type { LayerRow } from '../../train/network/network.ts';
import { describe } from '../../train/onnx/siamese-graph.ts';
import type { Network } from '../../train/port.ts';
import { exitCodes, print, withHelp } from '../context.ts';
import { networkOf, sizes, variants } from '../training/training-options.ts';
import { table } from '../words.ts';

interface DescribeOptions {
  readonly variant: (typeof variants)[number];
  readonly json?: boolean;
}

export function describeCommand(exit: (code: number) => void): Command {
  const command = new Command('describe')
    .description('the layers of a network that facelatch train can train: shapes and parameters, read from its graph')
    .addArgument(new Argument('<network>', "the paper's network, or the small one for quick tries").choices(sizes))
    .addOption(
      new Option('--variant <variant>', "pools of 2×2 (paper), or the tutorial's of 64×64 at stride 2").choices(variants).default('paper'),
    )
    .option('--json', 'one JSON document on standard output instead of text');
  withHelp(command, ['facelatch models describe paper', 'facelatch models describe paper --variant tutorial'], 'described');
  return command.action((size: (typeof sizes)[number], options: DescribeOptions) => {
    const network = networkOf({ size, variant: options.variant });
    const layers = describe(network);
    const whole = layers.reduce((sum, { parameters }) => sum + parameters, 0);
    const twin = whole - (layers.find(({ layer }) => layer === 'head')?.parameters ?? 0);
    print(options, { network: network.name, layers, parameters: { twin, whole } }, () => text(network, layers, twin, whole));
    exit(exitCodes.yes);
  });
}

function text(network: Network, layers: readonly LayerRow[], twin: number, whole: number): string {
  const rows = layers.map(({ layer, shape, parameters }) => [
    layer,
    kindOf(network, layer),
    shape.join(' × ').padStart(15),
    (parameters === 0 ? '–' : figure(parameters)).padStart(10),
  ]);
  return [
    table([['layer', 'what', 'shape'.padStart(15), 'parameters'], ...rows]),
    '',
    `the twin, input to embedding: ${figure(twin)} parameters`,
    `the Siamese network, both pictures through the one twin: ${figure(whole)} parameters`,
  ].join('\n');
}

const figure = (count: number) => count.toLocaleString('en');

/** What a layer of the table does; `conv2` and `pool2` are the second convolution's. */
function kindOf({ convolutions, distance }: Network, layer: string): string {
  const convolution = convolutions[Number(/\d+$/.exec(layer)?.[0] ?? 0) - 1];
  if (convolution && layer.startsWith('conv'))
    return `${convolution.filters} filters ${convolution.size}×${convolution.size}, stride 1, no padding, ReLU`;
  if (convolution?.pool)
    return `maximum of ${convolution.pool.size}×${convolution.pool.size}, stride ${convolution.pool.stride}, padded (same)`;
  const others: Readonly<Record<string, string>> = {
    input: 'RGB, 0 to 1',
    flatten: '',
    embedding: 'dense, sigmoid',
    distance: distance === 'vector' ? 'L1: |a − b|' : 'L1: sum of |a − b|',
    head: 'dense, sigmoid',
  };
  return others[layer] ?? '';
}
