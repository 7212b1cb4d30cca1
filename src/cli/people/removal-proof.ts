/** What was left of somebody who was removed, as a command shows it: the proof goes in, words and JSON come out. */
import type { RemovalProof, Shredder } from '../../house/removal/shredder.ts';
import { besideWords, searchedText } from '../words.ts';

export interface ShownProof {
  readonly json: {
    readonly searched: { readonly files: number; readonly bytes: number; readonly found: RemovalProof['found']; readonly epoch: number };
    /** Folders beside the state folder that a restore left. */
    readonly beside: readonly string[];
  };
  readonly lines: readonly string[];
}

const kindWords = {
  plain: 'pictures or templates, in the clear',
  names: 'the name',
  sealed: 'sealed pieces, which nobody can open',
} as const;

/** A folder beside has keys of its own. */
const wordsOf = (kind: keyof typeof kindWords, file: string): string =>
  kind === 'sealed' && file.startsWith('../') ? 'sealed pieces, perhaps with their key' : kindWords[kind];

/** Undefined where the search was not possible. */
export async function removalProof(shredder: Pick<Shredder, 'proofs'>): Promise<ShownProof | undefined> {
  const [proof] = await shredder.proofs();
  if (!proof) return undefined;
  const { files, bytes, found, unread, epoch, beside } = proof;
  const where = found.map(({ file, kinds }) => `  ${file}: ${kinds.map((kind) => wordsOf(kind, file)).join('; ')}`);
  return {
    json: { searched: { files, bytes, found, epoch }, beside: beside.map(({ path }) => path) },
    lines: [
      searchedText({ files, bytes, hits: found.length, unread: unread.length }),
      ...where,
      ...beside.map(besideWords),
      'Networks that learned from them are removed as well. Backups made before hold them until they are deleted.',
    ],
  };
}
