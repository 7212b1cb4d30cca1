/** axe-core in a page: what keeps somebody with a screen reader, a keyboard or weak eyes from using it. */
import axe from 'axe-core';
import { expect } from 'vitest';
import type { TestPage } from './browser.ts';

/** Fails with what axe found, as it says it. */
export async function axeOf({ page, complaints }: TestPage): Promise<void> {
  const before = complaints.length;
  // Not as a script element: the policy of the page refuses those, as it should.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  // It styles elements of its own to measure them, which the policy refuses too; those complaints come
  // behind the result, with what is drawn next.
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  await page.evaluate(() => globalThis.console.error('axe has ended'));
  await expect.poll(() => complaints).toContain('axe has ended');
  complaints.splice(before);
  expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(' ')).join(', ')})`)).toEqual([]);
}
