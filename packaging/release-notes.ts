/** The section of a version in a changelog: the whole of CHANGELOG.md and a version go in, the notes of that version come out. */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split(/\s/, 1)[0] === version);
  const body = section?.slice(section.indexOf('\n') + 1).trim();
  if (!body) throw new Error(`CHANGELOG.md has no notes for version ${version} (package.json): write a section "## ${version}"`);
  return `# facelatch ${version}\n\n${body}\n`;
}
