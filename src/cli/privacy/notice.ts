/** A short text for a sign at the door: the settings go in, the text in a language comes out. Pure. No legal advice. */
import type { Config } from '../../settings/load.ts';

export const noticeLanguages = ['en', 'de'] as const;
export type NoticeLanguage = (typeof noticeLanguages)[number];

/** What of the settings a passer-by should know. */
interface Facts {
  /** 0: for ever. */
  readonly journalDays: number;
  /** 0: none are kept. */
  readonly strangerPictureDays: number;
  readonly templatesOnly: boolean;
  /** Pictures leave the door. */
  readonly picturesLeave: boolean;
}

function factsOf({ privacy, retrain, mqtt, farm }: Config): Facts {
  return {
    journalDays: privacy.journalDays,
    strangerPictureDays: retrain.keepUnknownsDays,
    templatesOnly: privacy.templatesOnly,
    picturesLeave:
      (mqtt.enabled && ((mqtt.homeAssistant.enabled && mqtt.homeAssistant.image) || mqtt.snapshots)) ||
      (farm.url !== '' && farm.trainers.length > 0),
  };
}

export const noticeOf = (config: Config, language: NoticeLanguage): string => texts[language](factsOf(config)).join('\n\n');

const texts: Readonly<Record<NoticeLanguage, (facts: Facts) => readonly string[]>> = {
  en: ({ journalDays, strangerPictureDays, templatesOnly, picturesLeave }) => [
    'THIS DOOR OPENS BY FACE',
    'A camera looks at the faces of people who stand here and compares them with those who agreed to be enrolled.',
    `If you are not enrolled: your face is compared in memory and forgotten.${
      strangerPictureDays === 0
        ? ' No picture of you is kept.'
        : ` A picture of you may be kept for ${days(strangerPictureDays)}, so that the door learns to tell strangers apart.`
    }`,
    `If you are enrolled: the door keeps ${templatesOnly ? 'a description of your face in numbers, no picture' : 'pictures of your face and a description of it in numbers'}, until you are removed.`,
    `The door notes when it opened or stayed shut, and why${journalDays === 0 ? '' : `, for ${days(journalDays)}`}.`,
    picturesLeave
      ? 'Pictures may leave this door, encrypted or inside this house, to: [whom and why].'
      : 'Pictures do not leave this door. Nothing is sent to the maker of the software.',
    'You need not use your face: ask for another way in. You can ask what is stored about you, and have it deleted.',
    'Responsible: [name, address, telephone or e-mail]',
  ],
  de: ({ journalDays, strangerPictureDays, templatesOnly, picturesLeave }) => [
    'DIESE TÜR ÖFFNET AUF GESICHTSERKENNUNG',
    'Eine Kamera sieht die Gesichter der Menschen, die hier stehen, und vergleicht sie mit denen, die der Aufnahme zugestimmt haben.',
    `Wenn Sie nicht aufgenommen sind: Ihr Gesicht wird im Speicher verglichen und vergessen.${
      strangerPictureDays === 0
        ? ' Es wird kein Bild von Ihnen aufbewahrt.'
        : ` Ein Bild von Ihnen kann ${tage(strangerPictureDays)} lang aufbewahrt werden, damit die Tür Fremde zu unterscheiden lernt.`
    }`,
    `Wenn Sie aufgenommen sind: Die Tür bewahrt ${templatesOnly ? 'eine Beschreibung Ihres Gesichts in Zahlen auf, kein Bild' : 'Bilder Ihres Gesichts und eine Beschreibung davon in Zahlen auf'}, bis Sie entfernt werden.`,
    `Die Tür hält fest, wann sie geöffnet hat oder geschlossen blieb und warum${journalDays === 0 ? '' : `, ${tage(journalDays)} lang`}.`,
    picturesLeave
      ? 'Bilder können diese Tür verlassen, verschlüsselt oder innerhalb dieses Hauses, an: [wen und wozu].'
      : 'Bilder verlassen diese Tür nicht. An den Hersteller der Software wird nichts gesendet.',
    'Sie müssen Ihr Gesicht nicht benutzen: Fragen Sie nach einem anderen Weg hinein. Sie können Auskunft verlangen, was über Sie gespeichert ist, und die Löschung.',
    'Verantwortlich: [Name, Anschrift, Telefon oder E-Mail]',
  ],
};

const days = (n: number): string => (n === 1 ? 'one day' : `${n} days`);
const tage = (n: number): string => (n === 1 ? 'einen Tag' : `${n} Tage`);
