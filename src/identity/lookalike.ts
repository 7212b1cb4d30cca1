/**
 * Names that look alike (Unicode Technical Standard 39, section 4): a name goes in, its skeleton comes out. Two names
 * with one skeleton are drawn alike, so to people they are one name. The table holds what the standard's own holds for
 * Latin, Greek and Cyrillic, the scripts that are mixed up in practice. Pairs of letters that only resemble one letter
 * ("rn" and "m") are left out: Arno and Amo may live in one house.
 */

/** After each letter, colon-separated: what is drawn like it, after compatibility decomposition. */
const table =
  'a:αаɑ⍺ b:Ьƅ c:сϲᴄ d:ԁ e:еҽ g:ɡց h:һհ i:іιɩı j:јϳ k:κк n:ո o:οоօഠ௦०୦ p:рρ⍴ q:ԛգ r:гᴦ s:ѕꜱƽ u:υսʋᴜ v:νѵᴠ w:ԝѡɯᴡ x:хχ× y:уγүʏ z:ᴢ ' +
  'A:ΑАᎪ B:ΒВᏴ C:СϹᏟ D:Ꭰ E:ΕЕᎬ F:Ϝ G:ԌᏀ H:ΗНᎻ J:ЈᎫͿ K:ΚКᏦ L:Ꮮ M:ΜМϺᎷ N:Ν O:ОΟՕ0 P:ΡРᏢ Q:Ԛ R:Ꭱ S:ЅՏᏚ T:ΤТᎢ U:Ս V:ѴᏙ W:ԜᎳ ' +
  "X:ХΧ Y:ΥҮУ Z:ΖᏃ l:I1|ІΙӀӏǀ∣│ -:‐‒–—− ':’‘ʼʹʻʽ՚` 3:ЗӠƷ 6:б 4:Ч";

const drawnAs: ReadonlyMap<string, string> = new Map(
  table.split(' ').flatMap((entry) => {
    const [letter = '', ...alike] = [...entry];
    return alike.slice(1).map((other) => [other, letter] as const);
  }),
);

/** Drawn as nothing, or as a gap. Braille's blank pattern is a symbol to Unicode, and a gap to people. */
const invisible = /\p{Default_Ignorable_Code_Point}/gu;
const gaps = /[\s\u2800]+/gu;

/** What is left of a name once everything that people cannot see is gone. Two names with one skeleton look alike. */
export function skeleton(name: string): string {
  const plain = name.normalize('NFKD').replace(invisible, '').replace(gaps, ' ').trim();
  return [...plain]
    .map((letter) => drawnAs.get(letter) ?? letter)
    .join('')
    .replace(/(?<=[ij])\u0307/gu, '') // a dotless i with a dot of its own
    .normalize('NFKD');
}

export const looksLike = (one: string, other: string): boolean => skeleton(one) === skeleton(other);

/** Whether a text has anything that people can see: a mark alone has nothing to stand on. */
export const isVisible = (text: string): boolean => /[^\s\p{M}\p{C}\u2800]/u.test(text.normalize('NFKD').replace(invisible, ''));

/**
 * Those with this very name, or else those whose name looks like it. More than one only where an older version let them
 * in.
 */
export function withName<T extends { readonly name: string }>(people: readonly T[], text: string): readonly T[] {
  const name = text.trim().normalize('NFC');
  const exact = people.filter((person) => person.name === name);
  if (exact.length > 0) return exact;
  const alike = skeleton(name);
  return people.filter((person) => skeleton(person.name) === alike);
}
