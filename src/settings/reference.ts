/** The reference of all settings, config/README.md: made from the schema. */
import { envName, leaves } from './schema.ts';

export function reference(): string {
  const rows = [...leaves()].map(([path, l]) => {
    const shown = l.default === '' ? '' : `\`${JSON.stringify(l.default)}\``;
    return `| \`${path}\` | ${shown} | ${l.allowed.replaceAll('|', '\\|')} | ${l.doc} |`;
  });
  return `# Configuration reference
<!-- Made from src/settings/ by \`npm run reference\`; a test holds it to the schema. -->
A configuration is a JSON file (\`facelatch run --config FILE\`) of the settings below; what it leaves out has its default. Every setting can also be
given in the environment (\`camera.retryMinMs\` is \`${envName('camera.retryMinMs')}\`) and by flag (\`--set camera.fps=10\`): a flag
wins over the environment, the environment over the file. Unknown settings and impossible values are refused, all at once, before anything starts.
\`FACELATCH_CONFIG\` names the file where no --config does. \`facelatch config\` prints the effective configuration and where each value came from.

| setting | default | allowed | what it is |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
