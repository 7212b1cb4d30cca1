/** A called thread frees what pictures leave behind small objects. */
import { expect, it } from 'vitest';
import { openCollect } from '../../src/base/called-thread.ts';

it('frees the memory behind objects that are held no more', () => {
  const collect = openCollect();
  collect('all');
  const before = process.memoryUsage().arrayBuffers;
  let held: Uint8Array[] = Array.from({ length: 8 }, () => new Uint8Array(1 << 20));
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThanOrEqual(held.length << 20);
  held = [];
  collect('young');
  collect('all');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  expect('gc' in globalThis).toBe(false);
});
