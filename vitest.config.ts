import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'test/hil/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    globalSetup: ['test/fakes/folders-in-memory.ts'],
    pool: 'forks',
    // One more than two cores: tests wait for brokers, browsers and processes a third of the time (304 s with two, 264 with
    // three; four gain no more).
    maxWorkers: 3,
    // A file does not begin in a process of its own: what all of them import is loaded three times in place of 300 (460 s
    // with, 413 s without). A test leaves nothing behind in its process: no variable of the environment, no listener.
    isolate: false,
    // The tests start programs and threads hundreds of times. Compiled code that is kept halves each start (0.60 to 0.33 s).
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'facelatch-tests') },
  },
});
