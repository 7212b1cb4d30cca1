/**
 * Reads the exposition text (format 0.0.4). In: a metric's name without `facelatch_`, and some of its labels. Out: the value
 * of the one sample that has them.
 */

export type Samples = (name: string, labels?: Readonly<Record<string, string>>) => number | undefined;

export function samplesOf(text: string): Samples {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', inner = '', value = ''] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const labels = Object.fromEntries([...inner.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, key = '', said = '']) => [key, said]));
      return { name, labels, value: Number(value === 'Nan' ? 'NaN' : value) };
    });
  return (name, labels = {}) => {
    const found = samples.filter(
      (sample) => sample.name === `facelatch_${name}` && Object.entries(labels).every(([key, said]) => sample.labels[key] === said),
    );
    if (found.length > 1) throw new Error(`${name} has ${found.length} samples: name more labels`);
    return found[0]?.value;
  };
}
