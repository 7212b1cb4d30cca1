/** What every generated page begins with. */
export const generated = (source: string): string => `<!-- Generated from ${source} by \`npm run reference\`: do not edit. -->\n\n`;

/** A text as a cell of a Markdown table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
