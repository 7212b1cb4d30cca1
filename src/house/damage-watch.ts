/**
 * How many of a camera's latest pictures are damaged: each picture that was read goes in; a report comes out once it is
 * too many, and again only after a good stretch.
 */
export interface DamageWatch {
  /** One picture that the reader looked at. What is to be reported, if anything. */
  saw(damaged: boolean): { readonly damaged: number; readonly frames: number } | undefined;
}

/** Frames that are counted. */
const window = 100;
/** Damaged frames among them that are reported: far more than a camera loses by chance. */
const tooMany = 10;
/** Reported again only after so few. */
const fewAgain = 1;

export function damageWatch(): DamageWatch {
  const damagedAt: number[] = [];
  let frames = 0;
  let reported = false;
  return {
    saw: (damaged) => {
      frames++;
      if (damaged) damagedAt.push(frames);
      while (damagedAt.length > 0 && (damagedAt[0] ?? 0) <= frames - window) damagedAt.shift();
      if (damagedAt.length <= fewAgain) reported = false;
      if (reported || damagedAt.length < tooMany) return undefined;
      reported = true;
      return { damaged: damagedAt.length, frames: Math.min(frames, window) };
    },
  };
}
