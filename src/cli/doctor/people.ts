/** What `doctor` says of the people: whose rows do not count, who is missing, and the threshold in its layers. */
import { isPlainHash } from '../../access/pin.ts';
import { galleryOf } from '../../adapters/basics.ts';
import { consentRules } from '../../adapters/consents.ts';
import { vaultOf } from '../../adapters/vault.ts';
import type { FaceReader } from '../../face/port.ts';
import { pairsAlike } from '../../identity/evidence/alike.ts';
import type { Gallery } from '../../identity/port.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';
import { strictness } from '../likeness-words.ts';
import { layersText, missingCohort } from '../strictness-words.ts';
import { counted, oneIn, people } from '../words.ts';
import type { Found } from './check.ts';

export function checkPeople(config: Config, embedder: FaceReader['embedder']): Found {
  using vault = vaultOf(config);
  using gallery = galleryOf(config, embedder, vault);
  const { threshold, templates, stale } = gallery;
  const enrolled = gallery.list().length;
  const foreign = gallery
    .findings()
    .flatMap((finding) => (finding.kind === 'gallery.row-refused' && finding.why !== 'removed' ? [finding] : []));
  if (foreign.length > 0) {
    const named = foreign
      .slice(0, mostNamed)
      .map(({ row, personId, picture }) => `${row} of ${personId}${picture === undefined ? '' : ` (${picture})`}`);
    return {
      health: 'problem',
      found: `${counted(foreign.length, 'row')} left out: ${named.join(', ')}${foreign.length > mostNamed ? ' …' : ''}. ${foreignRemedy(foreign)}`,
    };
  }
  if (stale > 0 || gallery.unrecognised.length > 0) return lackTemplates(gallery, config);
  if (enrolled === 0)
    return { health: 'note', found: 'nobody is enrolled yet: facelatch enrol NAME --camera', lacks: ['nobody is let in by face'] };
  const rule =
    threshold.policy === 'paper'
      ? `paper policy ${threshold.detection}/${threshold.verification}`
      : `threshold ${strictness(oneIn(threshold.fmr), threshold.extrapolated, 'comparisons of strangers passes')}: ${layersText(threshold)}`;
  const alike = pairsAlike(embedder, gallery.enrolled(), threshold.logit);
  const pins = gallery.list().flatMap(({ id }) => gallery.rules(id).pin ?? []);
  const plain = pins.filter(isPlainHash).length;
  const unasked = config.privacy.consent === 'required' ? withoutConsent(config, vault, gallery) : 0;
  const notes = [
    unasked > 0 && `${people(unasked)} without a consent on record: facelatch people consent NAME --give VERSION`,
    config.privacy.templatesOnly &&
      'no pictures are kept of new people (privacy.templatesOnly): after a change of the embedder they must be enrolled again',
    alike.length > 0 && `${counted(alike.length, 'pair')} of them can come in as each other: see facelatch people confusable`,
    plain > 0 &&
      `${counted(plain, 'PIN')} not hashed under the key of the vault yet: that happens when it is entered, or with facelatch people pin`,
    // What the manifest lacks stands with the networks.
    ...missingCohort(embedder),
  ].filter((note) => typeof note === 'string');
  return {
    health: threshold.extrapolated || notes.length > 0 ? 'note' : 'ok',
    found: [`${people(enrolled)}, ${counted(templates, 'template')}`, rule, ...notes].join('; '),
  };
}

function withoutConsent(config: Config, vault: Vault, gallery: Gallery): number {
  return consentRules(config, vault).book((book) => gallery.ids().filter((id) => !book.inForce(id)).length);
}

const mostNamed = 5;

type RefusedRow = Extract<ReturnType<Gallery['findings']>[number], { kind: 'gallery.row-refused' }>;

function foreignRemedy(rows: readonly RefusedRow[]): string {
  if (rows.some(({ why }) => why === 'no-key'))
    return 'The vault has no key for some of them: put the vault back that belongs to these people, or remove and enrol them again';
  return 'They were not written by this door. Remove and enrol again, or, after a restored backup or new keys, vouch for all: facelatch people seal';
}

/** After a change of embedder, or where no picture of somebody gives a template. */
function lackTemplates(gallery: Gallery, { privacy }: Config): Found {
  const names = gallery.unrecognised.map((id) => gallery.find(id)?.name ?? id);
  const some = `${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ' …' : ''}`;
  if (gallery.stale === 0)
    return {
      health: 'problem',
      found: `${people(names.length)} without a template, and without a picture that one can be made of: ${some}. Enrol them again`,
      lacks: [`${some}: not recognised`],
    };
  const all = names.length > 0 ? `, of ${some} none at all` : '';
  return {
    health: 'problem',
    found: `pictures of ${people(gallery.stale)} have no template of this embedder${all}: ${remedyOfMissing(privacy.templatesOnly)}`,
  };
}

const remedyOfMissing = (templatesOnly: boolean): string =>
  templatesOnly
    ? 'of people whose pictures are not kept (privacy.templatesOnly) none can be made: enrol them again, or go back to the embedder before'
    : 'the running door makes them, or facelatch people reembed. Whoever is named after that must be enrolled again';
