/** `facelatch people confusable`: enrolled people who could come in as each other, and what to do about it. */
import { Command } from 'commander';
import { galleryOf } from '../../adapters/basics.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { pairsAlike } from '../../identity/evidence/alike.ts';
import { embedderOf } from '../../learning/networks.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { aboveText } from '../likeness-words.ts';
import { counted, people, table } from '../words.ts';

export function confusableCommand(exit: (code: number) => void): Command {
  const command = new Command('confusable').description(
    'people who resemble each other so much that one could come in as the other, or the door cannot tell them apart',
  );
  withHelp(command, ['facelatch people confusable', 'facelatch people confusable --json'], 'nobody', 'somebody: they are named');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    const embedder = embedderOf(config);
    using vault = vaultOf(config);
    using gallery = galleryOf(config, embedder, vault);
    const { logit: threshold } = gallery.threshold;
    const enrolled = gallery.enrolled();
    const named = (id: string) => ({ id, name: gallery.find(id)?.name ?? id, pinNeeded: gallery.rules(id).pinNeeded === true });
    const pairs = pairsAlike(embedder, enrolled, threshold - config.identity.ambiguityMargin).map(({ people: pair, logit }) => ({
      people: pair.map(named).toSorted((a, b) => a.name.localeCompare(b.name)),
      logit,
      passes: logit >= threshold,
    }));
    print(options, { threshold, pairs }, () =>
      pairs.length === 0
        ? `${people(enrolled.length)}: nobody resembles another beyond the threshold.`
        : [
            table([
              ['one', 'other', 'likeness', 'PIN with the face'],
              ...pairs.map(({ people: both, logit }) => [
                ...both.map(({ name }) => name),
                aboveText(logit, threshold),
                both.map(({ pinNeeded }) => (pinNeeded ? 'needed' : 'no')).join(' / '),
              ]),
            ]),
            '',
            `${counted(pairs.length, 'pair')}: above the threshold one can come in as the other, just below it the door may find both ambiguous. No threshold helps twins. Give each a second factor: "facelatch people pin NAME", then "facelatch people set NAME --pin-needed". If they are one person enrolled twice, remove one of the two.`,
          ].join('\n'),
    );
    exit(pairs.length === 0 ? exitCodes.yes : exitCodes.no);
  });
}
