/** What an entry of the journal says, in the reader's words. In: an entry of `timeline.page`. Out: texts. */
import { outcomeText } from '../said.js';
import { has, language, t, timeText } from '../words.js';
import { whyOf } from './why.js';

const decimals = new Intl.NumberFormat(language, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
/** @param {number} value */
export const decimalText = (value) => decimals.format(value);

/** @typedef {Readonly<Record<string, any>> & { kind: string }} JournalEvent */
/** @typedef {Readonly<Record<string, string>>} Names by the id of the person */

/** @param {string | undefined} id @param {Names} names */
export function nameOf(id, names) {
  if (id === undefined) return t('timeline.somebody');
  return names[id] ?? (id.startsWith('pseudonym:') ? t('timeline.removed-person') : t('timeline.somebody'));
}

/** @param {JournalEvent} event @param {Names} names */
export function titleOf(event, names) {
  const { kind } = event;
  const form =
    kind === 'access.denied' && event.bestPersonId !== undefined && event.reason !== 'unknown'
      ? 'access.denied-known'
      : kind === 'access.granted' && event.withPersonId !== undefined
        ? 'access.granted-with'
        : kind === 'request.granted' && event.emergencyPin
          ? 'request.granted-emergency'
          : kind;
  const key = `timeline.event.${form}`;
  if (!has(key)) return t('timeline.unknown-event', { kind });
  return t(key, valuesOf(event, names));
}

/** @param {JournalEvent} event @param {Names} names */
function valuesOf(event, names) {
  const plain = Object.entries(event).filter(([, value]) => typeof value === 'string' || typeof value === 'number');
  const ms = event.openMs ?? event.durationMs ?? event.byMs;
  return {
    ...Object.fromEntries(plain),
    who: nameOf(event.personId ?? event.bestPersonId, names),
    with: nameOf(event.withPersonId, names),
    by: byText(event.by),
    detail: outcomeText(event.detail) ?? '',
    ...(typeof event.outcome === 'string' && has(`learning.state.${event.outcome}`) && { outcome: t(`learning.state.${event.outcome}`) }),
    ...(typeof ms === 'number' && { seconds: Math.round(ms / 1000) }),
    ...(typeof event.reason === 'string' && { reason: reasonText(event) }),
    ...(typeof event.needs === 'string' && { needs: t(`timeline.needs.${event.needs}`) }),
    ...(typeof event.what === 'string' && { request: t(`timeline.request.${event.what}`), what: challengeText(event.what) }),
  };
}

/** What the door said itself, in the reader's words; a sentence that is not known stands behind the reason as it is. @param {Readonly<Record<string, any>>} event */
export function reasonText({ reason, detail }) {
  const why = whyOf(detail);
  if (why) {
    const { time, quality, ...values } = why.values;
    const isTime = time !== undefined && !Number.isNaN(Date.parse(time));
    return t(why.key, {
      ...values,
      ...(time !== undefined && { time: isTime ? timeText(time) : time }),
      ...(quality !== undefined && { quality: has(`quality.${quality}`) ? t(`quality.${quality}`) : quality }),
    });
  }
  const known = has(`denial.${reason}`) ? t(`denial.${reason}`) : reason;
  return typeof detail === 'string' && detail !== '' ? `${known} (${detail})` : known;
}

/** @param {string} what */
const challengeText = (what) => (has(`timeline.challenge.${what}`) ? t(`timeline.challenge.${what}`) : what);

/** @param {any} by a name, or whoever asks for something other than by face */
function byText(by) {
  if (typeof by === 'string') return by;
  if (by?.kind === 'operator') return by.name;
  return by === undefined ? t('timeline.somebody') : t(`timeline.${by.kind}`);
}

/** Likeness against the threshold, in words and numbers; undefined where nothing was compared. @param {JournalEvent} event */
export function likenessOf(event) {
  const { likeness, threshold } = event;
  if (typeof likeness?.logit !== 'number' || typeof threshold?.logit !== 'number') return undefined;
  const band = event.band ?? (likeness.logit >= threshold.logit ? 'at-or-above' : 'below');
  return {
    reached: likeness.logit >= threshold.logit,
    logit: likeness.logit,
    threshold: threshold.logit,
    text: t('timeline.likeness', {
      likeness: decimalText(likeness.logit),
      threshold: decimalText(threshold.logit),
      words: t(`timeline.band.${band}`),
    }),
  };
}

/** Undefined where liveness was not asked for. @param {JournalEvent} event */
export function livenessOf({ liveness }) {
  if (!liveness) return undefined;
  const spoof = liveness.spoof === undefined ? '' : t(`timeline.spoof.${liveness.spoof}`);
  return { verdict: liveness.verdict, text: t(`timeline.live.${liveness.verdict}`, { spoof }) };
}

/** @param {{ as: string, by: string, personId?: string }} mark @param {Names} names */
export const markText = ({ as, by, personId }, names) =>
  t('timeline.mark.by', { by, text: t(`timeline.mark.${as}`, { who: nameOf(personId, names) }) });

const alarms = new Set(['door.forced-open', 'door.held-open', 'tamper.raised', 'lockout.started', 'access.stopped', 'relay.failed']);

/** How it is coloured. @param {JournalEvent} event */
export function toneOf({ kind }) {
  if (kind === 'access.granted' || kind === 'request.granted') return 'good';
  if (kind === 'access.denied' || alarms.has(kind)) return 'bad';
  return kind.endsWith('.failed') || kind === 'request.refused' ? 'warn' : 'plain';
}
