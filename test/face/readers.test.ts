import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { demoPeopleFolder, modelFolder } from '../../src/adapters/basics.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { openFaceReaders } from '../../src/face/readers.ts';
import { loadConfig } from '../../src/settings/load.ts';

const { limits, ...folders } = {
  detector: modelFolder('detector'),
  embedder: modelFolder('embedder'),
  limits: loadConfig({}).config.face.quality,
};
const options = { ...folders, limits, threads: 1 };
const demo = (name: string) => readFileSync(`${demoPeopleFolder}/${name}.jpg`);

it('many readers answer as one does, each picture with its own reading', async () => {
  await using many = await openFaceReaders(options, 2);
  await using one = await openFaceReader(options);
  expect(many.embedder).toEqual(one.embedder);
  const names = ['p01-neutral', 'p02-neutral', 'p03-neutral', 'p04-neutral', 'p05-neutral'];
  const together = await Promise.all(names.map((name) => many.read(demo(name), { embed: 'dominant' })));
  for (const [i, name] of names.entries()) {
    const { faces } = await one.read(demo(name), { embed: 'dominant' });
    expect(together[i]?.faces).toEqual(faces);
  }
});

it('a picture that cannot be read is its own fault, and the others are read', async () => {
  await using many = await openFaceReaders(options, 2);
  const answers = await Promise.allSettled([
    many.read(Buffer.from('rubbish')),
    many.read(demo('p01-neutral')),
    many.read(demo('p02-neutral')),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});

it('networks that cannot be opened are the fault that one reader gives', async () => {
  await expect(openFaceReaders({ ...options, embedder: '/nowhere' }, 2)).rejects.toMatchObject({ code: 'model-missing' });
});
