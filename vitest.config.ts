import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'test/hil/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One more than two cores: tests wait for brokers and processes a third of the time (304 s with two, 264 with three).
    maxWorkers: 3,
  },
});
