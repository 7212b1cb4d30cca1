/**
 * The state folder of a door with people, as its rooms keep it: pictures, templates, kept pictures, live visits and a
 * journal. The rooms are real and stay open, as at a running door; only faces are made of random numbers.
 */
import { randomBytes } from 'node:crypto';
import { galleryOf } from '../../src/adapters/basics.ts';
import { journalOf } from '../../src/adapters/journal.ts';
import { liveVisitsOf } from '../../src/adapters/liveness.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import type { EmbedderInfo } from '../../src/face/port.ts';
import { openShredder } from '../../src/house/removal/open.ts';
import type { Shredder } from '../../src/house/removal/shredder.ts';
import type { Gallery, Person, Roster } from '../../src/identity/port.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import type { Journal } from '../../src/journal/port.ts';
import { samplesOf, storeFile } from '../../src/learning/parts.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import type { Config } from '../../src/settings/load.ts';
import type { Vault } from '../../src/vault/port.ts';
import type { Traces } from '../../src/vault/shredding.ts';
import { smallEmbedder } from '../contracts/gallery.ts';
import { doorConfig } from './config.ts';
import { randomOf, unitVector } from './embeddings.ts';

const dimension = 64;
const peopledEmbedder: EmbedderInfo = {
  ...smallEmbedder,
  dimension,
  head: { kind: 'l1-logistic', weights: Array.from({ length: dimension }, () => 5), bias: 10 },
};

export interface PeopledDoor extends Disposable {
  readonly config: Config;
  readonly vault: Vault;
  readonly gallery: Gallery;
  readonly journal: Journal;
  readonly roster: Roster;
  readonly shredder: Shredder;
  /** Somebody who was let in once, and of whom a picture was kept. `plain`: what nobody may find afterwards. */
  enrol(name: string, pictures?: number): { readonly person: Person; readonly traces: Pick<Traces, 'plain' | 'names'> };
}

const peopledConfig = (folder: string): Config => doorConfig({ 'state.folder': folder, 'retrain.keepGrantsDays': 30 });

export function openPeopledDoor(folder: string, pictureBytes = 20_000): PeopledDoor {
  const config = peopledConfig(folder);
  const opened = new DisposableStack();
  const vault = opened.use(vaultOf(config));
  const journal = opened.use(journalOf(config));
  const gallery = opened.use(galleryOf(config, peopledEmbedder, vault));
  const store = opened.use(openRetrainStore(storeFile(config), vault));
  const visits = opened.use(liveVisitsOf(config, vault));
  const samples = samplesOf(config, { store }, gallery);
  const shredder = opened.use(openShredder(config, { vault, gallery, record: journal.append, notes: journal }));
  const roster = rosterOf({ gallery, journal, shred: shredder.shred });
  const random = randomOf(randomBytes(4).readUInt32LE());
  return {
    ...{ config, vault, gallery, journal, roster, shredder },
    enrol: (name, count = 1) => {
      const pictures = Array.from({ length: count }, (_, n) => ({
        picture: randomBytes(pictureBytes),
        template: unitVector(random, dimension),
        source: `${n}.jpg`,
      }));
      const person = roster.enrol({ name, pictures });
      const kept = randomBytes(pictureBytes);
      const { seq } = journal.append({ kind: 'person.left', personId: person.id, by: { kind: 'exit-button' } });
      samples.keep({ seq, takenAt: new Date().toISOString(), personId: person.id, pictures: [kept] });
      const features = Float32Array.from({ length: 64 }, () => random());
      visits.keep({ seq, personId: person.id, confirmedBy: 'pin', views: [{ network: 'skin', logit: 1, features }] }, 'networks');
      const plain = [
        ...pictures.flatMap(({ picture, template }) => [picture, new Uint8Array(template.buffer.slice(0))]),
        ...[kept, new Uint8Array(features.buffer)],
      ];
      return { person, traces: { plain, names: [name] } };
    },
    [Symbol.dispose]: () => opened.dispose(),
  };
}
