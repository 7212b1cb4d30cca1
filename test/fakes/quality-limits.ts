/** The limits of quality that the settings have by default. */
import type { QualityLimits } from '../../src/face/port.ts';
import { loadConfig } from '../../src/settings/load.ts';

export const qualityLimits: QualityLimits = loadConfig({}).config.face.quality;
