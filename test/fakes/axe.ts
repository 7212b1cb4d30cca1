/** axe-core in a page: what keeps somebody with a screen reader, a keyboard or weak eyes from using it. */
import axe from 'axe-core';
import { expect } from 'vitest';
import { examiner, type TestPage } from './browser.ts';

/** Fails with what axe found, as it says it. */
export async function axeOf({ page }: TestPage): Promise<void> {
  // Not as a script element: the policy of the page refuses those, as it should. It also refuses the styles that axe
  // puts on elements of its own to measure them.
  await page.evaluate(`${axe.source}\n//# sourceURL=${examiner}`);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(' ')).join(', ')})`)).toEqual([]);
}
