/** What a visitor is told whose face was not taken for a living one. In: what was checked. Out: text. Pure. */
import type { LivenessNote, UnsureReason } from '../../events.ts';

/** Nothing more: whoever tries with pictures learns nothing from it. */
export const notAlive = 'this is not taken for a living face';
export const answerMissing = 'the challenge was not answered as it was asked, or not in time';
export const pinMissing = 'it could not be told whether this is a living face, and the PIN was not entered in time';

const remedies: Readonly<Record<UnsureReason, string>> = {
  'not-checked': 'liveness could not be checked: see facelatch doctor, and liveness.whenNotChecked',
  'cut-off': 'the picture cuts the face off: step to the middle, or back',
  'too-small': 'the face is too small to be checked: come closer',
  'low-quality': 'the face could not be seen well enough: look at the camera, in more light',
  'too-few-frames': 'the face was not seen for long enough: stay a moment longer',
  'no-infrared': 'the infrared camera did not see the face: look straight at the camera',
  'no-motion': 'the face did not move: move your head a little',
  'unlike-before': 'it could not be told whether this is a living face: try again, or enter the PIN',
  between: 'it could not be told whether this is a living face: try again, or enter the PIN',
};

export const remedyOf = ({ why }: LivenessNote): string => remedies[why ?? 'between'];

/** For whoever has no PIN that could make up for what is missing. */
export const withoutPin = ({ verdict }: LivenessNote): string =>
  `${verdict === 'not-checked' ? 'liveness could not be checked' : 'it could not be told whether this is a living face'}, and this person has no PIN: give them one (facelatch people pin)`;
