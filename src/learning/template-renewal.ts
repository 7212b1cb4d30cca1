/**
 * Templates of the network that guards, or is to guard, for pictures that have none: made beside the running door. In:
 * the eyes, and the network that waits for its templates while another guards. Out: that network guards as soon as
 * everybody who is recognised now has a template of it, and the journal says how it went. learning/open.ts opens it; it
 * owns the waiting network.
 */
import { renewTemplates } from '../adapters/basics.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Event, PersonId } from '../events.ts';
import type { EmbedderInfo, FaceReader } from '../face/port.ts';
import { readersTogether } from '../face/readers.ts';
import type { Guard } from '../retrain/promotion.ts';
import type { Eyes } from './eyes.ts';

export interface TemplateRenewalParts {
  readonly eyes: Eyes;
  /** The network that guards from when everybody has a template of it; absent: the one that guards already. */
  readonly coming?: Guard | undefined;
  /** Resolves when nobody stands at the door. */
  readonly untilQuiet: () => Promise<void>;
  readonly record: (event: Event) => void;
  /** The coming network guards now. */
  readonly onTurned: () => void;
  /** Opens a second reader of the guard's network, for the time of a round; it gives way to the door. */
  readonly openHelper?: (guard: Guard) => Promise<FaceReader | undefined>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface TemplateRenewal extends AsyncDisposable {
  /**
   * Begins a round where templates are missing that the last round did not fail to make. Called once a second; after a
   * round that ended early it waits for longer and longer.
   */
  look(): void;
  /** Resolves when no round is under way. */
  done(): Promise<void>;
  /** People for whom templates are being made, while they are not recognised (`now`) or will not be until then. */
  readonly waiting: { readonly people: number; readonly now: boolean; readonly next?: EmbedderInfo } | undefined;
}

interface State extends Omit<TemplateRenewalParts, 'coming'> {
  coming: Guard | undefined;
  /** What guarded when this began; another one in its place was promoted meanwhile. */
  readonly first: Guard;
  round: Promise<void> | undefined;
  /** What the last round could not make: it is tried again when that is more, or there are other pictures. */
  readonly stuck: WeakMap<Guard, Left>;
  /** Guards whose own reader has died: another one makes their templates. */
  readonly blind: WeakSet<Guard>;
  /** Rounds in a row that ended early, and the looks until the next one. */
  ended: { rounds: number; wait: number };
  /** A renewal that was journalled, and what it has made so far. */
  told: { pictures: number } | undefined;
  /** Those who are named in the journal. */
  named: ReadonlySet<PersonId>;
}

interface Left {
  /** People with pictures without a template. */
  readonly stale: number;
  /** All that were stored when it began. */
  readonly pictures: number;
}

/** How often people who are not recognised until their templates are made are read, milliseconds. */
const readEveryMs = 2000;

export function templateRenewal(parts: TemplateRenewalParts): TemplateRenewal {
  const state: State = {
    ...parts,
    coming: parts.coming,
    first: parts.eyes.current,
    round: undefined,
    stuck: new WeakMap(),
    blind: new WeakSet(),
    ended: { rounds: 0, wait: 0 },
    told: undefined,
    named: new Set(),
  };
  return {
    look: () => look(state),
    done: async () => await state.round,
    get waiting() {
      const target = state.coming ?? state.eyes.current;
      if (!state.round && !state.coming) return undefined;
      const people = target.gallery.unrecognised.length;
      const next = state.coming && { next: state.coming.reader.embedder };
      return people === 0 ? undefined : { people, now: state.coming === undefined, ...next };
    },
    [Symbol.asyncDispose]: async () => {
      await state.round;
      await state.coming?.[Symbol.asyncDispose]();
    },
  };
}

function look(state: State): void {
  const { eyes, stuck } = state;
  if (state.round) return;
  if (state.coming) {
    if (eyes.current.id !== state.first.id) {
      giveUp(state, state.coming);
      return;
    }
    state.coming.gallery.refresh();
    if (turned(state, state.coming)) return;
  }
  const guards = [eyes.current, ...(state.coming ? [state.coming] : [])];
  for (const guard of guards) if (guard.gallery.stale === 0) stuck.delete(guard);
  const next = guards.find((guard) => hasWork(state, guard));
  if (!next || state.ended.wait-- > 0) return;
  state.round = round(state, next).finally(() => {
    state.round = undefined;
  });
}

function hasWork({ stuck }: State, guard: Guard): boolean {
  if (guard.gallery.stale === 0) return false;
  const before = stuck.get(guard);
  return !before || guard.gallery.stale > before.stale || picturesIn(guard) !== before.pictures;
}

const picturesIn = ({ gallery }: Guard): number => gallery.list().reduce((sum, { pictures }) => sum + pictures, 0);

/** A network that was promoted meanwhile guards; the one that waited is not needed. */
function giveUp(state: State, coming: Guard): void {
  state.coming = undefined;
  state.told = undefined;
  state.round = closed(state, coming).finally(() => {
    state.round = undefined;
  });
}

async function closed({ log }: State, guard: Guard): Promise<void> {
  try {
    await guard[Symbol.asyncDispose]();
  } catch (error) {
    log.error({ err: messageOf(error) }, 'a network cannot be closed');
  }
}

async function round(state: State, guard: Guard): Promise<void> {
  const { eyes, log, signal, stuck } = state;
  const isNeeded = guard === state.coming;
  // Nobody whose template is made now is recognised before: no pause for whoever stands there, because it may be them.
  const hurry = !state.coming && guard === eyes.current && guard.gallery.unrecognised.length > 0;
  if ((isNeeded || hurry) && !state.told) begin(state, guard);
  try {
    // Somebody may be enrolled meanwhile.
    const picturesBefore = picturesIn(guard);
    const isBlind = state.blind.has(guard);
    const isMuch = guard.gallery.stale >= fewPeople;
    await using helper = (isMuch || isBlind) && state.openHelper ? await helperOf(state, state.openHelper, guard) : undefined;
    const reader = !helper ? guard.reader : isBlind ? helper : readersTogether([guard.reader, helper], 2);
    const { pictures, failed } = hurry
      ? await renewTemplates(guard.gallery, reader, () => signal.throwIfAborted(), { readEveryMs })
      : await renewTemplates(guard.gallery, reader, state.untilQuiet);
    state.ended = { rounds: 0, wait: 0 };
    stuck.set(guard, { stale: new Set(failed.map(({ personId }) => personId)).size, pictures: picturesBefore });
    log.info({ room: 'identity', pictures, failed: failed.map(({ personId }) => personId) }, 'templates made for the network in use');
    if (state.told) state.told.pictures += pictures;
    if (isNeeded) turned(state, guard);
    else if (hurry) finish(state, guard);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Fault && error.code === 'reader-failed') state.blind.add(guard);
    const rounds = state.ended.rounds + 1;
    state.ended = { rounds, wait: Math.min(longestWait, 2 ** rounds) };
    log.warn({ err: messageOf(error), waitS: state.ended.wait }, 'templates cannot be made now');
  }
}

/** Looks, one a second. */
const longestWait = 300;

/** A second reader takes 40 MB and a second to open: for fewer people than this it is not worth it. */
const fewPeople = 4;

async function helperOf({ log }: State, openHelper: NonNullable<State['openHelper']>, guard: Guard): Promise<FaceReader | undefined> {
  try {
    return await openHelper(guard);
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'templates are made by one reader: a second one cannot be opened');
    return undefined;
  }
}

const named = ({ name, version, sha256 }: EmbedderInfo): string => `${name} ${version} ${sha256.slice(0, 12)}`;

function begin(state: State, { gallery, reader }: Guard): void {
  const guarding = state.coming ? named(state.eyes.reader.embedder) : undefined;
  state.told = { pictures: 0 };
  const people = gallery.unrecognised.length;
  state.record({ kind: 'templates.renewing', people, network: named(reader.embedder), ...(guarding !== undefined && { guarding }) });
  state.log.warn({ room: 'identity', people, guarding: guarding ?? 'nothing' }, 'templates are being made again for another embedder');
}

/** Those whom the network that guards recognises and this one could not: they would stand outside. */
function leftOut({ eyes }: State, { gallery }: Guard): readonly PersonId[] {
  const unknownNow = new Set(eyes.gallery.unrecognised);
  return gallery.unrecognised.filter((id) => !unknownNow.has(id));
}

/** True where the coming network took over. Nothing is awaited between the look at the people and the switch. */
function turned(state: State, coming: Guard): boolean {
  const { eyes, log } = state;
  if (hasWork(state, coming)) return false;
  if (leftOut(state, coming).length > 0) {
    nameMissing(state, coming);
    return false;
  }
  const closing = eyes.turnTo(coming);
  state.coming = undefined;
  finish(state, coming);
  state.onTurned();
  void closing.then(() => eyes.drop()).catch((error) => log.error({ err: messageOf(error) }, 'a network cannot be closed'));
  return true;
}

/** Ends what `begin` told. */
function finish(state: State, { gallery, reader }: Guard): void {
  const pictures = state.told?.pictures ?? 0;
  state.told = undefined;
  state.record({ kind: 'templates.renewed', pictures, templates: gallery.templates, network: named(reader.embedder) });
  state.log.warn({ room: 'identity', pictures, templates: gallery.templates }, 'templates made again for another embedder');
  nameMissing(state, { gallery, reader });
}

/** Each person once, until a template can be made. */
function nameMissing(state: State, { gallery, reader }: Pick<Guard, 'gallery' | 'reader'>): void {
  const missing = new Set(gallery.unrecognised);
  const recognised = state.coming !== undefined;
  for (const personId of missing) {
    if (state.named.has(personId)) continue;
    state.record({ kind: 'templates.missing', personId, network: named(reader.embedder), recognised });
    state.log.error(
      { room: 'identity', personId },
      recognised
        ? 'no template of this person can be made with the new network, so the one before it stays: enrol the person again'
        : 'no template of this person can be made, so the person is not recognised: enrol the person again',
    );
  }
  state.named = missing;
}
