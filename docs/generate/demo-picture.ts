/**
 * `npm run picture`: plays visits of the demo through the whole house, with the shipped networks, and draws six of them as docs/img/demo.svg: the frame on
 * which the door decided, the box of the face, and what the door did. The people do not exist (config/demo-people).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Observation } from '../../src/access/port.ts';
import { demoPeopleFolder } from '../../src/adapters/basics.ts';
import { openLog } from '../../src/base/log.ts';
import type { Event } from '../../src/events.ts';
import type { Box } from '../../src/face/port.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { type House, wire } from '../../src/wire.ts';

interface Scene {
  readonly title: string;
  readonly opened: boolean;
  readonly detail: string;
  readonly frame: Uint8Array;
  readonly box: Box;
}

const root = join(import.meta.dirname, '../..');
const width = 300;
const height = 225;
const margin = 10;
const caption = 52;

const reasons: Readonly<Record<string, string>> = {
  unknown: 'nobody who is enrolled',
  ambiguous: 'two people could be meant',
  'too-dark': 'too dark to compare',
  'low-quality': 'no good view of the face',
};

/** What the door decided about a visit, as it is told to people. */
function told(event: Event, names: ReadonlyMap<string, string>): Pick<Scene, 'title' | 'opened' | 'detail'> | undefined {
  if (event.kind === 'access.granted') {
    const above = event.likeness.logit - event.threshold.logit;
    return { title: `${names.get(event.personId)} may come in`, opened: true, detail: `${above.toFixed(1)} above the threshold` };
  }
  if (event.kind !== 'access.denied') return undefined;
  return { title: 'stays shut', opened: false, detail: reasons[event.reason] ?? event.reason };
}

async function enrol({ gallery, reader }: House, people: readonly string[]): Promise<void> {
  for (const name of people) {
    const picture = readFileSync(join(demoPeopleFolder, `${name}-neutral.jpg`));
    const template = (await reader.read(picture)).faces[0]?.embedding;
    if (template) gallery.enrol({ name, pictures: [{ picture, template, source: `${name}-neutral.jpg` }] });
  }
}

async function play(visits: number): Promise<readonly Scene[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-picture-'));
  const flags = new Map<string, unknown>([
    ['state.folder', folder],
    ['camera.replay.visits', visits],
    ['camera.replay.speed', 0],
    ['mqtt.enabled', false],
  ]);
  const { config } = loadConfig({ files: [join(root, 'config/demo.json')], env: {}, flags });
  const scenes: Scene[] = [];
  const names = new Map<string, string>();
  let last: Observation | undefined;
  try {
    await using house = await wire(config, openLog('silent'), {
      onMoment: (moment) => {
        if (moment.reading.faces.length > 0) last = moment;
      },
      onEvent: (event) => {
        const words = told(event, names);
        const face = last?.reading.faces[0];
        if (words && last && face) scenes.push({ ...words, frame: last.frame.picture, box: face.box });
      },
    });
    await enrol(house, config.camera.replay.enrolled);
    for (const { id, name } of house.gallery.list()) names.set(id, name);
    await house.run(new AbortController().signal);
    return scenes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Six that differ: three of those who were let in, three of those who were not, as many reasons as there are. */
function chosen(scenes: readonly Scene[]): readonly Scene[] {
  const different = (opened: boolean, by: (scene: Scene) => string) => [
    ...new Map(scenes.filter((scene) => scene.opened === opened).map((scene) => [by(scene), scene])).values(),
  ];
  const inside = different(true, ({ title }) => title).slice(0, 3);
  const outside = different(false, ({ detail }) => detail);
  const more = scenes.filter((scene) => !scene.opened && !outside.includes(scene));
  return [inside, [...outside, ...more].slice(0, 3)].flat();
}

async function drawn(scene: Scene, at: number): Promise<string> {
  const { width: full = width } = await sharp(scene.frame).metadata();
  const small = await sharp(scene.frame).resize(width, height).jpeg({ quality: 70 }).toBuffer();
  const scale = width / full;
  const { x1, y1, x2, y2 } = scene.box;
  const [left, top] = [margin + (at % 3) * (width + margin), margin + Math.floor(at / 3) * (height + caption + margin)];
  const colour = scene.opened ? '#1a7f37' : '#b42318';
  const place = (value: number) => (value * scale).toFixed(1);
  return `<g transform="translate(${left} ${top})">
<image width="${width}" height="${height}" href="data:image/jpeg;base64,${small.toString('base64')}"/>
<rect x="${place(x1)}" y="${place(y1)}" width="${place(x2 - x1)}" height="${place(y2 - y1)}" fill="none" stroke="${colour}" stroke-width="2"/>
<rect y="${height}" width="${width}" height="${caption}" fill="${colour}"/>
<text x="12" y="${height + 22}" font-weight="600">${scene.opened ? '✓' : '✗'} ${scene.title}</text>
<text x="12" y="${height + 41}" font-size="13">${scene.detail}</text>
</g>`;
}

const scenes = chosen(await play(30));
const pictures = await Promise.all(scenes.map(drawn));
const [across, down] = [margin + 3 * (width + margin), margin + Math.ceil(scenes.length / 3) * (height + caption + margin)];
writeFileSync(
  join(root, 'docs/img/demo.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${across} ${down}" width="${across}" height="${down}" font-family="system-ui, sans-serif" font-size="16" fill="#fff">
<title>Six visits to the demo door: the face, and what the door did</title>
<rect width="100%" height="100%" fill="#f6f8fa"/>
${pictures.join('\n')}
</svg>
`,
);
