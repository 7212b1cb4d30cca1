/** What was left of somebody who was removed, as a command shows it: the proof goes in, words and JSON come out. */
import type { RemovalProof, Shredder } from '../../house/removal/shredder.ts';
import { searchedText } from '../words.ts';

export interface ShownProof {
  readonly json: {
    readonly searched: { readonly files: number; readonly bytes: number; readonly found: RemovalProof['found']; readonly epoch: number };
  };
  readonly lines: readonly string[];
}

const kindWords = {
  plain: 'pictures or templates, in the clear',
  names: 'the name',
  sealed: 'sealed pieces, which nobody can open',
} as const;

/** Undefined where the search was not possible. */
export async function removalProof(shredder: Pick<Shredder, 'proofs'>): Promise<ShownProof | undefined> {
  const [proof] = await shredder.proofs();
  if (!proof) return undefined;
  const { files, bytes, found, unread, epoch } = proof;
  const where = found.map(({ file, kinds }) => `  ${file}: ${kinds.map((kind) => kindWords[kind]).join('; ')}`);
  return {
    json: { searched: { files, bytes, found, epoch } },
    lines: [
      searchedText({ files, bytes, hits: found.length, unread: unread.length }),
      ...where,
      'Networks that learned from them are removed as well. Backups made before hold them until they are deleted.',
    ],
  };
}
