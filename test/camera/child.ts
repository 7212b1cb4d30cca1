/** A process with an open camera, to be ended from outside; sends the number of its ffmpeg when it has the first picture. */

import { systemClock } from '../../src/base/time.ts';
import { ffmpegFrames } from '../../src/camera/ffmpeg.ts';
import { childrenNamed } from './media.ts';

const args = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=50', '-c:v', 'mjpeg'];
process.on('message', () => process.exit(0));
for await (const { seq } of ffmpegFrames({ what: 'The test card', args }, systemClock, new AbortController().signal)) {
  if (seq === 1) process.send?.(childrenNamed('ffmpeg')[0]);
}
