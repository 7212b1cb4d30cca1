/**
 * `facelatch journal mark` and `marks`: a person says what an entry really showed; the next training learns from it.
 */
import { Command } from 'commander';
import { galleryOf } from '../../adapters/basics.ts';
import { journalOf } from '../../adapters/journal.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { Fault } from '../../base/errors.ts';
import { embedderOf } from '../../learning/networks.ts';
import { samplesOf, storeFile } from '../../learning/parts.ts';
import { shownId } from '../../retrain/labels.ts';
import { markEntry } from '../../retrain/marking.ts';
import type { Mark } from '../../retrain/port.ts';
import { openRetrainStore } from '../../retrain/store.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, wholeNumber, withCommon, withHelp } from '../context.ts';
import { counted } from '../words.ts';
import { nameIn, openNames } from './journal-names.ts';

interface MarkOptions extends CommonOptions {
  readonly right?: boolean;
  readonly notThem?: boolean;
  readonly stranger?: boolean;
  readonly person?: string;
}

export function markCommand(exit: (code: number) => void): Command {
  const command = new Command('mark')
    .description(
      'say what an entry really showed, so that the next training learns from it. Pictures are kept where retrain.keepGrantsDays or retrain.keepUnknownsDays allows it',
    )
    .argument('<seq>', 'the number of the entry (access.granted or access.denied)', wholeNumber('<seq>', 1, Number.MAX_SAFE_INTEGER))
    .option('--right', 'a grant was right: its picture may be used for training')
    .option('--not-them', 'a grant was for somebody else than the entry says')
    .option('--person <name|id>', 'it shows this person')
    .option('--stranger', 'it shows nobody who is enrolled');
  withHelp(
    command,
    ['facelatch journal mark 1042 --right', 'facelatch journal mark 1043 --not-them', 'facelatch journal mark 1044 --person Ada'],
    'marked',
  );
  return withCommon(command).action((seq: number, options: MarkOptions) => {
    const { config } = configOf(options);
    checkState(config);
    const { right, notThem, stranger, person } = options;
    const said: Mark[] = [...(right ? (['right'] as const) : []), ...(notThem ? (['not-them'] as const) : [])];
    said.push(...(stranger ? (['stranger'] as const) : []), ...(person === undefined ? [] : (['person'] as const)));
    const [as, more] = said;
    if (as === undefined || more !== undefined)
      throw new Fault('bad-argument', 'Give exactly one of --right, --not-them, --person NAME and --stranger');
    using vault = vaultOf(config);
    using store = openRetrainStore(storeFile(config), vault);
    using journal = journalOf(config);
    using gallery = galleryOf(config, embedderOf(config), vault);
    const samples = samplesOf(config, { store }, gallery);
    const marked = markEntry({ journal, samples, gallery }, { seq, as, by: 'cli', ...(person !== undefined && { person }) });
    print(options, { seq, as, ...marked }, () =>
      marked.pictures > 0
        ? `entry ${seq} is marked; the next training learns from ${counted(marked.pictures, 'picture')}`
        : `entry ${seq} is marked; no picture of it was kept, so nothing can be learned from it (retrain.keepGrantsDays, retrain.keepUnknownsDays)`,
    );
    exit(exitCodes.yes);
  });
}

export function marksCommand(exit: (code: number) => void): Command {
  const command = new Command('marks').description('entries with kept pictures, and how they were marked');
  withHelp(command, ['facelatch journal marks'], 'shown');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    using vault = vaultOf(config);
    using store = openRetrainStore(storeFile(config), vault);
    using names = openNames(config, true);
    const kept = samplesOf(config, { store }, { list: names.list, pictures: () => [] }).kept();
    print(options, { kept }, () =>
      kept.length === 0
        ? 'No pictures of the journal are kept (retrain.keepGrantsDays, retrain.keepUnknownsDays)'
        : kept
            .map(
              ({ seq, takenAt, ids, pictures, personId, mark }) =>
                `${takenAt}  ${String(seq).padStart(6)}  ${counted(pictures, 'picture')}  ${personId === undefined ? nobody(mark) : nameIn(names)(personId)}${mark === undefined ? '' : `  marked ${mark}`}  ${ids.map(shownId).join(' ')}`,
            )
            .join('\n'),
    );
    exit(exitCodes.yes);
  });
}

/** Somebody marked as a stranger may have been let in (`not-them`). */
const nobody = (mark: Mark | undefined) => (mark === undefined ? 'turned away' : 'a stranger');
