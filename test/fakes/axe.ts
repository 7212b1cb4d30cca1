/** axe-core in a page: what keeps somebody with a screen reader, a keyboard or weak eyes from using it. */
import axe from 'axe-core';
import { expect } from 'vitest';
import { examiner, type TestPage } from './browser.ts';

/** What depends on colours: the rest of a page is the same in both themes. */
const ofColours = ['color-contrast', 'link-in-text-block'];

/** Fails with what axe found, as it says it. */
export const axeOf = (opened: TestPage): Promise<void> => examine(opened, {});

/** The same in the light and in the dark theme. */
export async function axeInBothThemes(opened: TestPage): Promise<void> {
  const wear = (theme: 'light' | 'dark') => opened.page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
  await wear('light');
  await axeOf(opened);
  await wear('dark');
  await examine(opened, { runOnly: { type: 'rule', values: ofColours } });
}

async function examine({ page }: TestPage, options: axe.RunOptions): Promise<void> {
  // Not as a script element: the policy of the page refuses those, as it should. It also refuses the styles that axe
  // puts on elements of its own to measure them.
  if (!(await page.evaluate('globalThis.axe !== undefined'))) await page.evaluate(`${axe.source}\n//# sourceURL=${examiner}`);
  const { violations } = await page.evaluate((how) => (globalThis as unknown as { axe: typeof axe }).axe.run(how), options);
  expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(' ')).join(', ')})`)).toEqual([]);
}
