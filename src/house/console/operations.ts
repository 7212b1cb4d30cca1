/** All that the console may ask of the house: the commands, and what only it shows. */
import { commands } from '../../command/registry.ts';
import { unknownFaceOperations } from '../faces/unknown-faces.ts';
import { strictnessOperations } from '../strictness/strictness.ts';
import { learningOperations } from './learning.ts';
import { asOperation, type ConsoleOperation } from './operation.ts';
import { operatorOperations } from './operators.ts';
import { peopleOperations } from './people.ts';
import { archiveOperations } from './people-archive.ts';
import { peopleChanges } from './people-changes.ts';
import { pictureOperations } from './people-pictures.ts';
import { systemOperations } from './system.ts';
import { timelineOperations } from './timeline.ts';

export const operations: readonly ConsoleOperation[] = [
  ...commands.map(asOperation),
  ...peopleOperations,
  ...peopleChanges,
  ...pictureOperations(),
  ...systemOperations,
  ...archiveOperations,
  ...timelineOperations,
  ...operatorOperations,
  ...unknownFaceOperations,
  ...learningOperations,
  ...strictnessOperations,
];
