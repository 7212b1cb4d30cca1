/** Pictures from outside are decoded in a process of their own, which holds itself to limits; the door gets a JPEG made anew. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { picturesFromOutside } from '../../src/face/from-outside.ts';
import { demoPicture } from '../cli/facelatch.ts';
import { isAlive } from '../fakes/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-outside-'));
afterAll(() => rmSync(folder, { recursive: true }));
const program = fileURLToPath(new URL('../../src/face/outside-process.ts', import.meta.url));
const flat = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#678' } });

/** A program in the place of the one that decodes. */
function stub(name: string, text: string): string {
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, text);
  return file;
}

describe('a picture from outside', () => {
  const pictures = picturesFromOutside();

  it('comes out as a plain upright JPEG of at most 1280 pixels, without what was written into it', async () => {
    const phone = await sharp(demoPicture(1, 'neutral'))
      .resize(4032, 3024, { fit: 'cover' })
      .withMetadata({ orientation: 6, exif: { IFD0: { Copyright: 'home address' } } })
      .jpeg()
      .toBuffer();
    const cleaned = await pictures.clean(phone);
    expect(await sharp(cleaned).metadata()).toMatchObject({ format: 'jpeg', width: 960, height: 1280, channels: 3 });
    expect(await sharp(cleaned).metadata()).not.toHaveProperty('exif');
    expect(Buffer.from(cleaned).includes('home address')).toBe(false);
  });

  it('as PNG or WebP comes out as the same picture', async () => {
    const picture = sharp(demoPicture(2, 'smiling'));
    for (const encoded of [await picture.clone().png().toBuffer(), await picture.clone().webp({ lossless: true }).toBuffer()]) {
      const cleaned = await sharp(await pictures.clean(encoded))
        .raw()
        .toBuffer();
      const before = await sharp(encoded).raw().toBuffer();
      const off = cleaned.reduce((sum, value, i) => sum + Math.abs(value - (before[i] ?? 0)), 0) / cleaned.length;
      expect(off).toBeLessThan(3);
    }
  });

  it('that is cut in the middle, or rubbish behind a good beginning, is refused', async () => {
    const jpeg = await flat(640, 480).jpeg().toBuffer();
    await expect(pictures.clean(jpeg.subarray(0, 700))).rejects.toMatchObject({ name: 'Fault' });
    const png = Buffer.concat([(await flat(640, 480).png().toBuffer()).subarray(0, 60), Buffer.alloc(5000, 7)]);
    await expect(pictures.clean(png)).rejects.toMatchObject({ code: 'bad-picture', message: expect.stringMatching(/cannot be read/) });
  });
});

describe('the process', () => {
  it('that takes too long is killed, and the next picture gets its turn', async () => {
    const pictures = picturesFromOutside({ program: stub('endless', 'setInterval(() => 0, 1000);'), timeoutMs: 300 });
    const picture = await flat(64, 64).png().toBuffer();
    const refusal = { code: 'bad-picture', message: expect.stringMatching(/took longer than 0\.3 s\. Convert it to a JPEG/) };
    await Promise.all([1, 2].map(() => expect(pictures.clean(picture)).rejects.toMatchObject(refusal)));
  });

  it('ends with the door, and none is started after it', async () => {
    const over = new AbortController();
    const program = stub('waiting', 'setInterval(() => 0, 1000);');
    const pictures = picturesFromOutside({ program, signal: over.signal });
    const picture = await flat(64, 64).png().toBuffer();
    const refusals = [1, 2].map(() => expect(pictures.clean(picture)).rejects.toThrow(/the door is stopping/));
    over.abort();
    await Promise.all(refusals);
  });

  it('that dies gives a refusal, and what it says of other kinds is no advice to whoever sent the picture', async () => {
    const picture = await flat(64, 64).png().toBuffer();
    for (const text of ['process.kill(process.pid, "SIGSEGV");', 'console.error("/home/ada/secret"); process.exit(3);'])
      await expect(picturesFromOutside({ program: stub('dying', text) }).clean(picture)).rejects.toMatchObject({
        code: 'bad-picture',
        message: 'The picture cannot be read: it needs more memory or time than is allowed. Convert it to a JPEG of 2000 pixels',
      });
  });

  it('that cannot hold itself to its limits decodes nothing, and that is no fault of the picture', async () => {
    const text = 'console.error(JSON.stringify({ code: "reader-failed", message: "setrlimit: errno 1" })); process.exit(1);';
    const pictures = picturesFromOutside({ program: stub('unlimited', text) });
    await expect(pictures.clean(await flat(64, 64).png().toBuffer())).rejects.toMatchObject({
      code: 'reader-failed',
      message: expect.stringMatching(/cannot be decoded on this machine: setrlimit/),
    });
  });

  it('is one at a time, and gets nothing of the environment', async () => {
    const told = join(folder, 'told');
    const noting = `import { appendFileSync } from 'node:fs';
      appendFileSync(${JSON.stringify(told)}, 'begin ' + Object.keys(process.env).sort().join(' ') + ' in ' + process.cwd() + '\\n');
      process.stdin.resume().on('end', () => { appendFileSync(${JSON.stringify(told)}, 'end\\n'); process.stdout.write('x'); });`;
    const pictures = picturesFromOutside({ program: stub('noting', noting) });
    const picture = await flat(64, 64).png().toBuffer();
    await Promise.all([1, 2, 3].map(() => pictures.clean(picture)));
    const begin = 'begin MALLOC_ARENA_MAX UV_THREADPOOL_SIZE in /';
    expect(readFileSync(told, 'utf8').trim().split('\n')).toEqual([begin, 'end', begin, 'end', begin, 'end']);
  });

  /** Which says whose child it is, and stays until it is killed. */
  const staying = (name: string) => {
    const told = join(folder, `${name}-told`);
    const ids = `\`\${process.pid} \${process.ppid}\\n\``;
    const text = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(told)}, ${ids}); setInterval(() => 0, 1000);`;
    // A file that is there can still be empty: only whole lines count.
    const lines = () => (existsSync(told) ? readFileSync(told, 'utf8').split('\n').slice(0, -1) : []);
    return { program: stub(name, text), seen: () => lines().map((line) => line.split(' ').map(Number)) };
  };

  it('is started by a small process, not by the door, which a fork would stop; both end with the door', async () => {
    const { program, seen } = staying('child');
    const over = new AbortController();
    const pictures = picturesFromOutside({ program, signal: over.signal });
    const refusal = expect(pictures.clean(await flat(64, 64).png().toBuffer())).rejects.toThrow(/the door is stopping/);
    await expect.poll(() => seen().length, { timeout: 10_000, interval: 20 }).toBe(1);
    const [process, starter] = seen()[0] as [number, number];
    expect(readFileSync(`/proc/${starter}/cmdline`, 'utf8')).toContain('outside-starter');
    expect(readFileSync(`/proc/${starter}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[16]).toBe('19');
    over.abort();
    await refusal;
    await expect.poll(() => [isAlive(process), isAlive(starter)], { timeout: 10_000, interval: 20 }).toEqual([false, false]);
  });

  it('whose starter dies is a refusal, and the next picture gets another', async () => {
    const { program, seen } = staying('orphan');
    const over = new AbortController();
    onTestFinished(() => over.abort());
    const pictures = picturesFromOutside({ program, signal: over.signal });
    const picture = await flat(64, 64).png().toBuffer();
    for (const n of [1, 2]) {
      const refusal = expect(pictures.clean(picture)).rejects.toMatchObject({ code: 'reader-failed' });
      await expect.poll(() => seen().length, { timeout: 10_000, interval: 20 }).toBe(n);
      const [child, starter] = seen()[n - 1] as [number, number];
      process.kill(starter, 'SIGKILL');
      await refusal;
      process.kill(child, 'SIGKILL');
    }
  });

  it('whose starter has had nothing to do for a while gets another', async () => {
    const starters = join(folder, 'starters');
    const text = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(starters)}, process.ppid + ' ');
      process.stdin.resume().on('end', () => process.stdout.write('x'));`;
    const pictures = picturesFromOutside({ program: stub('idle', text), idleMs: 1 });
    const picture = await flat(64, 64).png().toBuffer();
    const used = () => readFileSync(starters, 'utf8').trim().split(' ').map(Number);
    await pictures.clean(picture);
    await expect.poll(() => isAlive(used()[0] ?? 0), { timeout: 10_000, interval: 20 }).toBe(false);
    await pictures.clean(picture);
    expect(new Set(used()).size).toBe(2);
  });

  /** The real one, alone. */
  const start = () => spawn(process.execPath, [program], { stdio: 'pipe', env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' } });
  const said = async (encoded: Uint8Array) => {
    const child = start();
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    child.stdin.on('error', () => undefined).end(encoded);
    const [code] = await once(child, 'close');
    return { code, text };
  };

  it('has the lowest priority, a limit of memory, and goes first when memory runs short, before it reads anything', async () => {
    const child = start();
    const of = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8');
    const limit = (name: string) => Number(new RegExp(`^${name} +(\\d+)`, 'm').exec(of('limits'))?.[1] ?? Number.NaN);
    await expect.poll(() => limit('Max file size'), { timeout: 10_000, interval: 20 }).toBe(0);
    const used = Number(/^VmData:\s+(\d+)/m.exec(of('status'))?.[1]) * 1024;
    expect(limit('Max data size') - used).toBeLessThanOrEqual(224 * 2 ** 20);
    expect([limit('Max cpu time'), limit('Max core file size'), of('oom_score_adj').trim()]).toEqual([20, 0, '1000']);
    const nice = (thread: string) => of(`task/${thread}/stat`).split(') ').at(-1)?.split(' ')[16];
    expect(new Set(readdirSync(`/proc/${child.pid}/task`).map(nice))).toEqual(new Set(['19']));
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  });

  it('knows three decoders, whatever a header says', async () => {
    const others = [
      await flat(64, 64).tiff().toBuffer(),
      await flat(64, 64).gif().toBuffer(),
      await flat(64, 64).avif({ effort: 0 }).toBuffer(),
    ];
    for (const encoded of others)
      expect(await said(encoded)).toMatchObject({ code: 1, text: expect.stringMatching(/bad-picture.*cannot be read/) });
  });

  it('gives up when it would need more memory', async () => {
    // 49 megapixels of 16 bits, interlaced: its decoder keeps all of it, 392 MB.
    const large = await flat(7000, 7000).ensureAlpha(0.5).toColourspace('rgb16').png({ progressive: true, compressionLevel: 1 }).toBuffer();
    expect(await said(large)).toMatchObject({ code: 1, text: expect.stringContaining('more memory than is allowed') });
  });
});
