/**
 * The reference of all settings: the schema goes in; docs/reference/settings.md and config/README.md come out.
 */
import type { Leaf } from './kinds.ts';
import { envName, leaves, sections } from './schema.ts';

/** The whole reference: docs/reference/settings.md. */
export function reference(): string {
  const all = [...leaves()];
  const tables = Object.keys(sections).map((name) =>
    section(
      name,
      all.filter(([path]) => path.startsWith(`${name}.`)),
    ),
  );
  return `<!-- Generated from src/settings by \`npm run reference\`: do not edit. -->

# Settings

${introduction}

${contents}
${tables.join('')}`;
}

/** What stands beside the configuration files: config/README.md. */
export function configReadme(): string {
  return `<!-- Generated from src/settings by \`npm run reference\`: do not edit. -->

# Configuration

${introduction}

[examples/](examples/README.md) has complete files to start from; [default.json](default.json) holds all defaults; [demo.json](demo.json) is the demo.

| section | what it is about |
| --- | --- |
${Object.entries(sections)
  .map(([name, what]) => `| [${name}](../docs/reference/settings.md#${name}) | ${what} |`)
  .join('\n')}
`;
}

const introduction = `A configuration is a JSON file: \`facelatch run --config FILE\`. A setting that it leaves out has its default.

Every setting can also come from the environment (\`camera.retryMinMs\` is \`${envName('camera.retryMinMs')}\`) or from a flag
(\`--set camera.fps=10\`). A flag overrides the environment, and the environment overrides the file. \`FACELATCH_CONFIG\` names the
file if no \`--config\` does.

Unknown settings and impossible values are refused, all of them at once, before anything starts. \`facelatch config\` prints every
setting with its value and where the value came from.`;

const contents = Object.entries(sections)
  .map(([name, what]) => `- [${name}](#${name}): ${what}`)
  .join('\n');

function section(name: string, settings: readonly (readonly [string, Leaf<unknown>])[]): string {
  const rows = settings.map(([path, { default: fallback, allowed, doc }]) => {
    const shown = fallback === '' ? '' : `\`${JSON.stringify(fallback)}\``;
    return `| \`${path}\` | ${shown} | ${allowed.replaceAll('|', '\\|')} | ${doc} |`;
  });
  return `
## ${name}
${sections[name as keyof typeof sections]}

| setting | default | allowed | what it does |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
