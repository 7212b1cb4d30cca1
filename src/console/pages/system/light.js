/** What a picture and the door's own judgements say about light and mounting: they go in, hints for people come out. */

/** `mean`: brightness, 0…1; `bright`, `dark`: share of the picture that is white, or black. @typedef {{ mean: number, bright: number, dark: number }} Light */

const side = 64;

/** @param {ImageBitmap} bitmap @returns {Light | undefined} */
export function lightOf(bitmap) {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return undefined;
  context.drawImage(bitmap, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  let [sum, bright, dark] = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    // Rec. ITU-R BT.709
    const level = 0.2126 * (data[at] ?? 0) + 0.7152 * (data[at + 1] ?? 0) + 0.0722 * (data[at + 2] ?? 0);
    sum += level;
    if (level > 250) bright++;
    if (level < 10) dark++;
  }
  const pixels = side * side;
  return { mean: sum / pixels / 255, bright: bright / pixels, dark: dark / pixels };
}

/** Reasons of the door that the camera's place or light can mend. */
const mendable = ['too-dark', 'too-bright', 'blurred', 'too-small', 'turned', 'turned-away', 'cut-off', 'damaged'];

/**
 * Keys of the texts `system.hint.…`, the gravest first.
 * @param {Light | undefined} light @param {readonly (readonly string[])[]} seen quality reasons of each of the last faces
 */
export function hintsOf(light, seen) {
  const often = mendable.filter((reason) => seen.filter((reasons) => reasons.includes(reason)).length > seen.length / 3);
  const ofPicture = light ? [...(light.mean < 0.12 ? ['dark'] : []), ...(light.bright > 0.25 ? ['bright'] : [])] : [];
  return [...ofPicture, ...often];
}
