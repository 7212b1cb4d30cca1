/** enrol and verify on photographs of real people, which lie outside the repository: where they are absent these tests show as skipped. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../fakes/shared-data.ts';
import { facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

const data = sharedData('') ?? '';
const folder = temporaryFolder();
const state = join(folder.path, 'state');
afterAll(() => folder[Symbol.dispose]());

const sets = [
  {
    set: 'tutorial-webcam',
    own: () => {
      const shots = picturesIn('tutorial-webcam/verification_images').slice(0, 6);
      return { enrol: shots, probe: join(data, 'tutorial-webcam/input_image/input_image.jpg') };
    },
    stranger: () => join(data, 'orl/s5/1.pgm'),
  },
  {
    set: 'orl',
    own: () => {
      const [probe = '', ...enrol] = picturesIn('orl/s2');
      return { enrol: enrol.slice(0, 6), probe };
    },
    stranger: () => join(data, 'orl/s3/1.pgm'),
  },
  {
    set: 'lfw-view1',
    own: () => {
      const [probe = '', ...enrol] = picturesIn('lfw-view1/Tang_Jiaxuan');
      return { enrol, probe };
    },
    stranger: () => picturesIn('lfw-view1/John_Bolton')[0] ?? '',
  },
];

function picturesIn(path: string): string[] {
  const names = readdirSync(join(data, path)).toSorted();
  return names.map((name) => join(data, path, name));
}

describe.each(sets)('$set (skipped where ../shared/data is absent)', ({ set, own, stranger }) => {
  it.skipIf(!sharedData(set))('a person enrolled from a few pictures is accepted from another one, and a stranger is not', async () => {
    const { enrol, probe } = own();
    const enrolled = await facelatch(['enrol', set, ...enrol, '--state', state, '--json']);
    expect(jsonOf(enrolled)).toMatchObject({ enrolled: true, person: { name: set } });
    expect(jsonOf(enrolled).added).toBeGreaterThanOrEqual(4);
    expect(await facelatch(['verify', probe, '--person', set, '--state', state])).toMatchObject({ code: 0 });
    expect(await facelatch(['verify', stranger(), '--person', set, '--state', state])).toMatchObject({ code: 1, stderr: '' });
  });
});
