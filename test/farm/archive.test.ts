import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { inputDigest, packData, packFolder, unpackData, unpackFolder } from '../../src/farm/archive.ts';
import { inventedData } from './set.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-archive-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const base = join(folder, 'base');
mkdirSync(join(base, 'deep'), { recursive: true });
writeFileSync(join(base, 'manifest.json'), '{}');
writeFileSync(join(base, 'empty'), '');
writeFileSync(join(base, 'deep', 'twin.onnx'), Buffer.alloc(5000, 7));

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** In pieces that end anywhere. */
async function* piecesOf(bytes: Buffer, size = 1000) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

function entry(head: object | string, body = ''): Buffer {
  const json = Buffer.from(typeof head === 'string' ? head : JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, Buffer.from(body)]);
}

const damaged = (text: string) => expect.objectContaining({ code: 'farm-damaged', message: expect.stringContaining(text) });
let made = 0;
const target = () => join(folder, `out-${made++}`);

describe('an archive', () => {
  test('of training data gives back the same data and files', async () => {
    const data = inventedData(3, 2, 2500);
    const out = target();
    const read = await unpackData(piecesOf(await bytesOf(packData(data, base))), out);
    expect(read).toEqual(data);
    expect(readFileSync(join(out, 'deep', 'twin.onnx'))).toEqual(readFileSync(join(base, 'deep', 'twin.onnx')));
    expect(readdirSync(out).toSorted()).toEqual(['deep', 'empty', 'manifest.json']);
    expect(await inputDigest(read, out)).toBe(await inputDigest(data, base));
  });

  test('of the same content has the same bytes', async () => {
    const copy = target();
    await unpackFolder(packFolder(base), copy);
    expect(await bytesOf(packFolder(copy))).toEqual(await bytesOf(packFolder(base)));
  });

  test.each(['../out', '/etc/x', 'a/../../b', '.hidden', 'a//b', 'a/./b', ''])('does not write a file named %j', async (name) => {
    const source = piecesOf(entry({ kind: 'file', name, bytes: 1 }, 'x'));
    await expect(unpackFolder(source, target())).rejects.toEqual(damaged('name'));
  });

  test.each([
    ['that ends within a body', entry({ kind: 'file', name: 'a', bytes: 2 }, 'x'), 'ends within an entry'],
    ['that ends within a head', entry({ kind: 'file', name: 'a', bytes: 2 }).subarray(0, 3), 'ends within an entry'],
    ['with a head that is not JSON', entry('{'), 'does not know'],
    ['with an entry of another kind', entry({ kind: 'link', name: 'a', to: '/etc/passwd', bytes: 0 }), 'does not know'],
    ['with a length below zero', entry({ kind: 'file', name: 'a', bytes: -1 }), 'does not know'],
    ['of another format', Buffer.from('manifest.json'.padEnd(512, '\0')), 'head that is too long'],
    ['with pictures among the files', entry({ kind: 'stranger', bytes: 0 }), 'holds a stranger'],
  ])('%s is damaged', async (_, bytes, text) => {
    await expect(unpackFolder(piecesOf(bytes), target())).rejects.toEqual(damaged(text));
  });

  test('with a picture before any person is damaged', async () => {
    const picture = entry({ kind: 'sample', id: 'x', origin: 'enrolment', takenAt: '', bytes: 1 }, 'x');
    await expect(unpackData(piecesOf(picture), target())).rejects.toEqual(damaged('belongs to nobody'));
  });
});
