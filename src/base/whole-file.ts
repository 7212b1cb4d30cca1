/** A JSON document onto the disk, the whole of it or nothing. */
import { open, rename } from 'node:fs/promises';

/** Throws what the file system throws. */
export async function writeWhole(path: string, document: unknown): Promise<void> {
  const file = await open(`${path}.writing`, 'w');
  try {
    await file.writeFile(`${JSON.stringify(document, undefined, 1)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.writing`, path);
}
