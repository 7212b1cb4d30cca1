/** The reference of all settings, made from the schema: config/README.md comes out, one table for each section. */
import type { Leaf } from './kinds.ts';
import { envName, leaves, sections } from './schema.ts';

export function reference(): string {
  const names = Object.keys(sections);
  const contents = Object.entries(sections).map(([name, what]) => `- [${name}](#${name}): ${what}`);
  const all = [...leaves()];
  const tables = names.map((name) =>
    section(
      name,
      all.filter(([path]) => path.startsWith(`${name}.`)),
    ),
  );
  return `# Configuration reference
<!-- Made from src/settings/ by \`npm run reference\`; a test compares it with the schema. -->
A configuration is a JSON file with the settings below: \`facelatch run --config FILE\`. A setting that it leaves out has its
default. [examples/](examples/README.md) has complete files to start from; [default.json](default.json) holds all defaults.

Every setting can also come from the environment (\`camera.retryMinMs\` is \`${envName('camera.retryMinMs')}\`) or from a
flag (\`--set camera.fps=10\`). A flag overrides the environment, and the environment overrides the file. \`FACELATCH_CONFIG\`
names the file if no \`--config\` does.

Unknown settings and impossible values are refused, all of them at once, before anything starts. \`facelatch config\` prints
every setting with its value and where the value came from.

${contents.join('\n')}
${tables.join('')}`;
}

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
