/**
 * What a person is told to do: a challenge and a language go in, a sentence comes out, always one of this list. It is
 * read out, so it has no sign that would be read as a word. Left and right are the person's own.
 */
import type { ChallengeKind } from '../../events.ts';
import type { Challenge } from '../port.ts';

export const challengeLanguages = ['en', 'de'] as const;
export type ChallengeLanguage = (typeof challengeLanguages)[number];

const sentences: Readonly<Record<ChallengeLanguage, Readonly<Record<Exclude<ChallengeKind, 'blink'> | 'blink-2' | 'blink-3', string>>>> = {
  en: {
    'turn-left': 'Turn your head slowly to your left, and back.',
    'turn-right': 'Turn your head slowly to your right, and back.',
    'look-up': 'Raise your head slowly, and look at the camera again.',
    'look-down': 'Lower your head slowly, and look at the camera again.',
    closer: 'Come closer to the camera, and stay there.',
    'blink-2': 'Close both eyes for half a second, two times.',
    'blink-3': 'Close both eyes for half a second, three times.',
    light: 'Look at the camera and hold still while the lamp flashes.',
  },
  de: {
    'turn-left': 'Den Kopf langsam nach links drehen und wieder zurück.',
    'turn-right': 'Den Kopf langsam nach rechts drehen und wieder zurück.',
    'look-up': 'Den Kopf langsam heben und wieder in die Kamera schauen.',
    'look-down': 'Den Kopf langsam senken und wieder in die Kamera schauen.',
    closer: 'Näher an die Kamera kommen und dort bleiben.',
    'blink-2': 'Zweimal beide Augen eine halbe Sekunde lang schließen.',
    'blink-3': 'Dreimal beide Augen eine halbe Sekunde lang schließen.',
    light: 'In die Kamera schauen und stillhalten, solange die Lampe blitzt.',
  },
};

export function challengeSentence({ kind, times }: Pick<Challenge, 'kind' | 'times'>, language: ChallengeLanguage): string {
  if (kind !== 'blink') return sentences[language][kind];
  return sentences[language][times === 3 ? 'blink-3' : 'blink-2'];
}
