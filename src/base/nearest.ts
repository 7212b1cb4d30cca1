/** Typing mistakes: an unknown name and the known names go in, the one that was probably meant comes out. */

/**
 * `; did you mean …?` with the known name that is a typing mistake away, or the only one that starts like this; else
 * ''.
 */
export function nearest(name: string, known: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++)
        next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
      row = next;
    }
    return row[b.length] ?? 0;
  };
  const best = known.map((k) => ({ k, d: distance(name.toLowerCase(), k.toLowerCase()) })).toSorted((a, b) => a.d - b.d)[0];
  const begun = known.filter((k) => k.toLowerCase().startsWith(name.toLowerCase()));
  const meant = best && best.d <= Math.max(2, name.length / 4) ? best.k : begun.length === 1 ? begun[0] : undefined;
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}
