/** The door's evidence on the disk: it comes back as it was, and what this door did not write counts for nothing. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { rowSeal } from '../../../src/base/data/row-seal.ts';
import { type KnownOfDoor, readKnown, writeKnown } from '../../../src/identity/evidence/stored.ts';

const known: KnownOfDoor = {
  embedder: 'e',
  evidence: { embedder: 'e', digest: 'd', residents: { people: 9, share: 0.01, excess: 0.02 }, visitors: { visits: 1, share: 0 } },
  visits: [{ at: '2026-01-05T12:00:00.000Z', logit: -1.5 }],
  fitness: [0.9],
};
const seal = rowSeal(new Uint8Array(32).fill(7), 'test');
let file = '';
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'facelatch-evidence-')), 'evidence.json');
});

it('comes back as it was written', () => {
  expect(readKnown(file, seal)).toBeUndefined();
  writeKnown(file, seal, known);
  expect(readKnown(file, seal)).toEqual(known);
});

it('of another hand counts for nothing: another number, another key, no document', () => {
  writeKnown(file, seal, known);
  const text = readFileSync(file, 'utf8');
  expect(readKnown(file, rowSeal(new Uint8Array(32).fill(8), 'test'))).toBeUndefined();
  for (const forged of [text.replace('"people": 9', '"people": 900'), text.replace('"seal": "', '"seal": "A'), '{', '[]', '']) {
    writeFileSync(file, forged);
    expect(readKnown(file, seal)).toBeUndefined();
  }
});
