/**
 * Notices a recording that is played over and over. In: the frames of a camera. Out: whether the latest ones have all
 * been delivered before, byte for byte, in the same order. The noise of a sensor never comes back. One picture that
 * stands still is left to the watch for freezing; a recording that is encoded again at each turn is not noticed.
 */

export interface Repeats {
  /**
   * Takes an encoded picture. Returns how many frames ago the same recording was delivered; undefined while it is new.
   */
  saw(picture: Uint8Array): number | undefined;
}

/** Frames that are remembered: half an hour at 15 a second, which takes 2 MB. */
const remembered = 27_000;
/** As many frames in a row that were all there before, equally long ago, are a recording. */
const inARow = 30;
/** Frames may be dropped between the camera and the door, so a turn of the recording may differ by this many. */
const mostDropped = 3;
/** Bytes of a picture by which it is known, besides its length. */
const sampled = 512;
const [basis, prime] = [2_166_136_261, 16_777_619];

export function repeats(): Repeats {
  /** The number of the frame in which a picture was last seen, oldest first. */
  const seen = new Map<number, number>();
  let index = 0;
  let row = { length: 0, distance: 0 };
  return {
    saw: (picture) => {
      const key = keyOf(picture);
      index++;
      const distance = index - (seen.get(key) ?? index);
      const goesOn = row.length > 0 && Math.abs(distance - row.distance) <= mostDropped;
      row = { length: distance <= 1 ? 0 : goesOn ? row.length + 1 : 1, distance };
      seen.delete(key);
      seen.set(key, index);
      const [oldest] = seen.keys();
      if (seen.size > remembered && oldest !== undefined) seen.delete(oldest);
      return row.length >= inARow ? distance : undefined;
    },
  };
}

/** Two FNV-1a sums over bytes that are spread over the picture, joined: 53 bits. */
function keyOf(picture: Uint8Array): number {
  const step = Math.max(1, Math.floor(picture.length / sampled));
  const sum = (from: number, start: number) => {
    let hash = Math.imul(start ^ picture.length, prime);
    for (let at = from; at < picture.length; at += step) hash = Math.imul(hash ^ (picture[at] as number), prime);
    return hash >>> 0;
  };
  return sum(0, basis) * 0x20_0000 + (sum(step >> 1, prime) & 0x1f_ffff);
}
