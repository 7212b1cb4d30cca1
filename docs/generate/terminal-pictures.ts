/**
 * Runs commands of facelatch on the demo in a terminal and draws what they showed: pictures for the documents,
 * docs/img/terminal-*.svg (`npm run picture`).
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Shot {
  /** docs/img/terminal-NAME.svg. */
  readonly name: string;
  /** What is shown as typed. */
  readonly typed: string;
  /** What is run, behind `facelatch` and before the options of the demo. */
  readonly run: string;
  readonly columns?: number;
}

/** In this order: each finds what those before it left in the state folder. */
const shots: readonly Shot[] = [
  { name: 'demo', typed: 'npm start -- --visits 8', run: 'run --visits 8' },
  { name: 'doctor', typed: 'npx facelatch doctor', run: 'doctor', columns: 132 },
  {
    name: 'enrol',
    typed: 'npx facelatch enrol Grace grace-1.jpg grace-2.jpg',
    run: 'enrol Grace grace-1.jpg grace-2.jpg',
  },
  {
    name: 'enrol-camera',
    typed: 'npx facelatch enrol "Ada" --camera --count 2',
    run: 'enrol Ada --camera --count 2 --set camera.replay.from=camera --set camera.replay.loop=true',
  },
  { name: 'verify', typed: 'npx facelatch verify visitor.jpg --person p01', run: 'verify visitor.jpg --person p01' },
  {
    name: 'journal',
    typed: 'npx facelatch journal --kind access --kind relay -n 8',
    run: 'journal --kind access --kind relay -n 8',
    columns: 156,
  },
];

const usualColumns = 116;
const charWidth = 8.43;
const lineHeight = 19;
const esc = String.fromCharCode(27);
const sequence = new RegExp(`(${esc}\\[[\\d;?]*[A-Za-z])`, 'g');
const inks: Readonly<Record<string, string>> = { '31': '#ff7b72', '32': '#7ee787', '33': '#e3b341', '2': '#8b949e', '90': '#8b949e' };

function shownBy(command: string, folder: string, columns: number): string[] {
  const { stdout } = spawnSync('script', ['-qec', `stty cols ${columns}; ${command}`, '/dev/null'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm', FORCE_COLOR: '1', FACELATCH_MQTT_ENABLED: 'false' },
  });
  return stdout
    .replaceAll('\r\n', '\n')
    .replace(/\n+$/, '')
    .split('\n')
    .flatMap((line) => wrapped(line, columns));
}

/** A terminal wraps where it ends; the colours of a line that was cut are left out. */
function wrapped(line: string, columns: number): string[] {
  const last = line.split('\r').at(-1) ?? '';
  const text = last.replaceAll(sequence, '');
  if (text.length <= columns) return [last];
  return Array.from({ length: Math.ceil(text.length / columns) }, (_, n) => text.slice(n * columns, (n + 1) * columns));
}

function spans(line: string): string {
  let ink = '';
  const parts = line.split(sequence).map((part) => {
    if (!part.startsWith(esc)) return part === '' || ink === '' ? escaped(part) : `<tspan fill="${ink}">${escaped(part)}</tspan>`;
    if (part.endsWith('m')) ink = inks[part.slice(2, -1)] ?? '';
    return '';
  });
  return parts.join('');
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function picture(typed: string, lines: readonly string[], columns: number): string {
  const width = Math.round(columns * charWidth + 32);
  const height = lines.length * lineHeight + 71;
  const rows = [`${esc}[2m$${esc}[0m ${typed}`, ...lines].map((line, n) => `<text x="16" y="${54 + n * lineHeight}">${spans(line)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Terminal: ${escaped(typed)}">
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="5" fill="#ff5f57"/><circle cx="38" cy="18" r="5" fill="#febc2e"/><circle cx="56" cy="18" r="5" fill="#28c840"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3" xml:space="preserve">
${rows.join('\n')}
</g>
</svg>
`;
}

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'door-'));
try {
  mkdirSync(join(folder, 'camera'));
  for (const [from, to] of [
    ['p01-smiling', 'visitor'],
    ['p02-neutral', 'grace-1'],
    ['p02-smiling', 'grace-2'],
    ['p04-neutral', 'camera/1'],
    ['p04-smiling', 'camera/2'],
  ])
    copyFileSync(join(root, `config/demo-people/${from}.jpg`), join(folder, `${to}.jpg`));
  for (const { name, typed, run, columns = usualColumns } of shots) {
    const command = `node ${root}/bin/facelatch.mjs ${run} --config ${root}/config/demo.json --state ${folder}/state`;
    const lines = shownBy(command, folder, columns).map((line) => line.replaceAll(`${folder}/state`, 'demo-state'));
    writeFileSync(join(root, `docs/img/terminal-${name}.svg`), picture(typed, lines, columns));
  }
} finally {
  rmSync(folder, { recursive: true });
}
