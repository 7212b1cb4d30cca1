/**
 * Signed places in the chain: a sequence number and the hash of its row go in, signed by the door's key they come out.
 * The chain alone has no secret, so whoever can write the file can write all of it again; nobody without the key can
 * make a checkpoint for what they wrote. The newest one also lies in a file beside the journal, and in each published
 * event, so that a journal that is removed, or put back in an older state, is noticed too.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import type { ChainHead } from './chain.ts';
import type { ChainVerdict, JournalCheckpoint, JournalCut, Seq } from './port.ts';

/** The door's key, as the journal needs it. */
export interface CheckpointSigner {
  /** Thumbprint of the key (RFC 7638). */
  readonly kid: string;
  /** Ed25519 (RFC 8032), base64url. */
  sign(text: string): string;
  verify(text: string, signature: string): boolean;
}

/** A checkpoint is made at each row whose number is a multiple of this, and at the first row of an unsigned journal. */
export const checkpointEvery = 64;

/** What is signed, as docs/reference/events.md says. */
const signedText = ({ seq, hash }: ChainHead): string => `facelatch journal checkpoint\n${seq}\n${hash}`;

export function checkpointOf(head: ChainHead, signer: CheckpointSigner): JournalCheckpoint {
  return { seq: head.seq, hash: head.hash, kid: signer.kid, signature: signer.sign(signedText(head)) };
}

export const checkpointRow = Compile(
  Type.Object({ seq: Type.Integer(), hash: Type.String(), kid: Type.String(), signature: Type.String() }),
);

const isSigned = (checkpoint: JournalCheckpoint, signer: CheckpointSigner): boolean =>
  checkpoint.kid === signer.kid && signer.verify(signedText(checkpoint), checkpoint.signature);

const signedCut = ({ seq, hash, at }: Pick<JournalCut, 'seq' | 'hash' | 'at'>): string => `facelatch journal cut\n${seq}\n${hash}\n${at}`;

/** Another text than that of a checkpoint: whoever has a checkpoint cannot cut the journal there. */
export function cutOf(place: ChainHead, at: string, signer: CheckpointSigner): JournalCut {
  const { seq, hash } = place;
  return { seq, hash, at, kid: signer.kid, signature: signer.sign(signedCut({ seq, hash, at })) };
}

const isSignedCut = (cut: JournalCut, signer: CheckpointSigner): boolean =>
  cut.kid === signer.kid && signer.verify(signedCut(cut), cut.signature);

/** Where the newest checkpoint lies beside a journal. */
const witnessFile = (journal: string): string => `${journal}.checkpoint`;

/** The newest checkpoint that this door left beside the journal; undefined where there is none that it signed. */
export function readWitness(journal: string, signer: CheckpointSigner): JournalCheckpoint | undefined {
  try {
    const found = parseJson(readFileSync(witnessFile(journal)));
    return checkpointRow.Check(found) && isSigned(found, signer) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Not synced, because the door waits: after a power cut an older one may lie there, which is true as well. */
export function leaveWitness(journal: string, checkpoint: JournalCheckpoint): void {
  try {
    writeFileSync(`${witnessFile(journal)}.new`, JSON.stringify(checkpoint), { mode: 0o600 });
    renameSync(`${witnessFile(journal)}.new`, witnessFile(journal));
  } catch {
    // The checkpoint stands in the journal; the one beside it only makes its removal visible.
  }
}

export interface SignedChain {
  readonly entries: number;
  /** In rising order. */
  readonly checkpoints: Iterable<JournalCheckpoint>;
  /** From the cut on. */
  readonly hashAt: (seq: Seq) => string | undefined;
  readonly cut: JournalCut | undefined;
  readonly witness: JournalCheckpoint | undefined;
  readonly signer: CheckpointSigner;
}

/** What the checkpoints say of a chain whose hashes are right. */
export function verifyCheckpoints({ entries, checkpoints, hashAt, cut, witness, signer }: SignedChain): ChainVerdict {
  if (cut && !isSignedCut(cut, signer))
    return rewritten(cut.seq + 1, `The rows up to ${cut.seq} are gone, and this door has not signed that it removed them.`);
  let [signed, others, due] = [0, 0, 0];
  let last: Seq | undefined;
  for (const checkpoint of checkpoints) {
    const { seq, hash, kid } = checkpoint;
    while (due > 0 && due < seq) return rewritten(due, `The checkpoint of row ${due} is missing.`);
    due = (Math.floor(seq / checkpointEvery) + 1) * checkpointEvery;
    if (hashAt(seq) !== hash) return rewritten(seq, `Row ${seq} is not the one that was signed: the rows up to it were written again.`);
    if (kid !== signer.kid) others++;
    else if (isSigned(checkpoint, signer)) signed++;
    else return rewritten(seq, `The checkpoint of row ${seq} is not signed by this door.`);
    last = seq;
  }
  if (due > 0 && due <= entries) return rewritten(due, `The checkpoint of row ${due} is missing.`);
  if (witness && witness.seq >= (cut?.seq ?? 0) && hashAt(witness.seq) !== witness.hash)
    return witness.seq > entries
      ? {
          ok: false,
          seq: entries + 1,
          problem: 'removed',
          detail: `The journal of this door ended with row ${witness.seq}: now it ends with row ${entries}.`,
        }
      : rewritten(witness.seq, `Row ${witness.seq} is not the one that this door signed: the rows up to it were written again.`);
  return { ok: true, entries, checkpoints: { signed, others, ...(last === undefined ? {} : { last }) } };
}

const rewritten = (seq: Seq, detail: string): ChainVerdict => ({ ok: false, seq, problem: 'rewritten', detail });
