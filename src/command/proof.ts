/**
 * Who signed a payload: an encrypted or signed text goes in; the operator whose key signed it and what they claim come
 * out, or why nothing is proved. It computes much for each text, so that a running door asks a thread (prover.ts).
 */
import type { CryptoKey } from 'jose';
import { claimedKid } from '../base/jws.ts';
import { importKey } from './keys.ts';
import { entryDigest, type Operator, operatorsFileAs, operatorsIn } from './operators.ts';
import type { Refusal } from './port.ts';
import { disclose, isEnclosed, isSigned, verifiedClaims } from './seal.ts';

export type Proof =
  | {
      readonly ok: true;
      readonly operator: Pick<Operator, 'name' | 'role' | 'kid'>;
      /** Of the operator's entry in the list. */
      readonly entry: string;
      readonly claims: unknown;
      readonly enclosed: boolean;
    }
  | { readonly ok: false; readonly code: Refusal; readonly message: string };

/** What tells who signed a payload. */
export interface Prover extends AsyncDisposable {
  /**
   * Undefined where too many payloads wait. `ahead`: goes before the others. Throws Fault `bad-config` where the file
   * of the operators' keys cannot be used.
   */
  prove(payload: Uint8Array, ahead: boolean): Promise<Proof | undefined>;
}

export interface ProofParts {
  /** The door's key. */
  readonly decrypt: CryptoKey;
  readonly operatorsFile: string;
  /** Of the vault: an operator without its seal does not count. Undefined while the vault is locked: each counts. */
  readonly sealKey?: Uint8Array | undefined;
}

/** Proves on the calling thread. */
export function proofOf({ decrypt, operatorsFile, sealKey }: ProofParts): (payload: Uint8Array) => Promise<Proof> {
  const operatorBy = findingIn(operatorsFile, sealKey);
  return async (payload) => {
    const text = Buffer.from(payload).toString('latin1').trim();
    const enclosed = isEnclosed(text);
    const jws = enclosed ? await disclose(text, decrypt) : text;
    if (jws === undefined || !isSigned(jws))
      return no('bad-signature', 'This is not encrypted to this door: fetch its card again (facelatch key door).');
    const kid = await claimedKid(jws, 'facelatch-command+jwt');
    const operator = kid === undefined ? undefined : await operatorBy(kid);
    if (operator === undefined) return no('unknown-key', 'No operator of this door has this key: add it with facelatch key add.');
    if (operator === 'refused')
      return no(
        'unknown-key',
        'This key stands in the list of operators, but the door did not write it there: add it with facelatch key add.',
      );
    const claims = await verifiedClaims(jws, await importKey(operator.key));
    if (claims === undefined) return no('bad-signature', 'The signature does not fit: the command was changed.');
    const { name, role } = operator;
    return { ok: true, operator: { name, role, kid: operator.kid }, entry: entryDigest(operator), claims, enclosed };
  };
}

function no(code: Refusal, message: string): Proof {
  return { ok: false, code, message };
}

/** Reads the file again when it is another one, so that a removed key is refused at once. */
function findingIn(file: string, sealKey: Uint8Array | undefined): (kid: string) => Promise<Operator | 'refused' | undefined> {
  const operators = operatorsIn(file, sealKey);
  let read: { readonly as: string; readonly known: readonly Operator[]; readonly refused: readonly Operator[] } | undefined;
  return async (kid) => {
    const as = operatorsFileAs(file);
    if (read?.as !== as) read = { as, known: await operators.list(), refused: await operators.refused() };
    return read.known.find((operator) => operator.kid === kid) ?? (read.refused.some((entry) => entry.kid === kid) ? 'refused' : undefined);
  };
}
