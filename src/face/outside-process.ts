/**
 * The process that decodes one picture from outside: the picture on standard input, a JPEG made again on standard
 * output. outside-starter.ts starts it. It holds itself to limits before it reads a byte, knows three decoders, and
 * ends.
 */
import { readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import koffi from 'koffi';
import sharp from 'sharp';
import { Fault, messageOf } from '../base/errors.ts';
import { decodePicture } from './picture.ts';

/**
 * Longer side of what comes out, pixels: four times the detector's input, so that a face that is found is still large
 * enough. The door's reader is busy with an enrolment picture for 65 ms at 1280, and for 206 ms at 2048 (measured).
 */
const side = 1280;
/** What decoding may take beyond what the program itself takes, bytes. */
const memory = 224 * 2 ** 20;
const cpuSeconds = 20;
/** From asm-generic/resource.h. */
const limit = { cpu: 0, fileSize: 1, data: 2, core: 4 } as const;

/** Behind everything else, where the system allows that. */
function stepBack(): void {
  try {
    // Whoever runs short of memory, this process goes first.
    writeFileSync('/proc/self/oom_score_adj', '1000');
    // On Linux each thread has a priority of its own; later ones get that of the first.
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), 19);
  } catch {
    // The limits hold all the same.
  }
}

/** Throws where the limits cannot be set: then nothing is decoded. */
function holdToLimits(): void {
  const used = /^VmData:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (used === undefined) throw new Error('/proc/self/status does not say how much memory is used');
  const setLimit = koffi.load(null).func('int setrlimit(int resource, const uint64_t *limits)');
  for (const [resource, most] of [
    [limit.data, 1024 * Number(used) + memory],
    [limit.cpu, cpuSeconds],
    [limit.fileSize, 0],
    [limit.core, 0],
  ])
    if (setLimit(resource, [most, most]) !== 0) throw new Error(`setrlimit: errno ${koffi.errno()}`);
}

async function cleaned(encoded: Uint8Array): Promise<Uint8Array> {
  const { rgb, width, height } = await decodePicture(encoded, side);
  const picture = sharp(rgb, { raw: { width, height, channels: 3 } });
  return await picture.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** All of it, through a pipe that takes a part at a time. */
function write(file: 1 | 2, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

sharp.concurrency(1);
sharp.cache(false);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp'] });
try {
  stepBack();
  holdToLimits();
  write(1, await cleaned(readFileSync(0)));
} catch (error) {
  const code = error instanceof Fault ? error.code : 'reader-failed';
  const said = messageOf(error);
  const message = /memory/i.test(said)
    ? 'The picture cannot be read: decoding it needs more memory than is allowed. Convert it to a JPEG'
    : said;
  write(2, Buffer.from(JSON.stringify({ code, message })));
  process.exitCode = 1;
}
