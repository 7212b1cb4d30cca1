/** A report as one self-contained HTML page, light or dark: its title and its parts go in. */
import { version } from '../../base/version.ts';

/** `lead` is one line below the title; `parts` are HTML. */
export function reportPage(title: string, lead: string, parts: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escaped(title)}</title><style>${style}</style></head>
<body><main>
${[`<h1>${escaped(title)}</h1>`, `<p class="lead">${escaped(lead)} · facelatch ${escaped(version)}</p>`, ...parts.filter(Boolean)].join('\n')}
</main></body></html>
`;
}

/** Nothing where the last part is empty. */
export const section = (title: string, ...parts: readonly string[]): string => {
  const content = parts.at(-1) === '' ? '' : parts.join('\n');
  return content === '' ? '' : `<section><h2>${title}</h2>${content}</section>`;
};

/** The first row is the heading. */
export function htmlTable([heading, ...rows]: readonly (readonly string[])[]): string {
  if (!heading || rows.length === 0) return '';
  const cells = (row: readonly string[], rest: 'th' | 'td') =>
    row.map((cell, index) => (index === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<${rest}>${escaped(cell)}</${rest}>`)).join('');
  return `<div class="wide"><table><thead><tr>${cells(heading, 'th')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</tbody></table></div>`;
}

export const listOf = (lines: readonly string[]) =>
  lines.length > 0 ? `<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>` : '';

export const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const style = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1a1a1a; --quiet: #5a5a5a; --grid: #ddd; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181b; --ink: #e8e8e6; --quiet: #a5a8ab; --grid: #3a3d42; } }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
.lead, small, li { color: var(--quiet); }
.lead { margin: .35rem 0 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem 1.6rem .3rem 0; border-bottom: 1px solid var(--grid); white-space: nowrap; font-weight: normal; }
thead th { color: var(--quiet); }
ul { margin: .6rem 0 0; padding-left: 1.2rem; max-width: 60rem; }
figure { margin: 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem 2rem; }
svg { width: 100%; height: auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.25rem 1rem; }
.pair { display: flex; gap: 2px; }
.pair img { border-radius: 3px; object-fit: cover; }
small { overflow-wrap: anywhere; }
`;
