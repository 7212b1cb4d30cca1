#!/usr/bin/env node
// The command `facelatch`: runs src/main.ts on Node 24, which the npm package `node` brings if this file was started by an older one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const wanted = 24;
// Driving the line safe after a crash must not wait until the whole program is loaded.
const main =
  process.argv[2] === 'relay' && process.argv[3] === 'safe'
    ? new URL('../src/safe.ts', import.meta.url)
    : new URL('../src/main.ts', import.meta.url);

// Pictures are decoded one after the other. More threads would spread freed memory over more heaps (measured: 45 MB of 280).
process.env.UV_THREADPOOL_SIZE ??= '2';
// ONNX Runtime reports to its maker by default. Nothing leaves this machine that its owner did not ask for.
process.env.ORT_DISABLE_TELEMETRY = '1';

if (Number(process.versions.node.split('.')[0]) >= wanted) {
  await import(main.href);
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(node)) {
    console.error(
      `facelatch needs Node.js ${wanted}, which is not installed yet: run "npm start" (or "node bin/setup.mjs") in ${fileURLToPath(new URL('..', import.meta.url))}`,
    );
    process.exit(3);
  }
  const child = spawn(
    node,
    ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2', fileURLToPath(main), ...process.argv.slice(2)],
    {
      stdio: 'inherit',
      // The memory of a decoded picture goes back at once, and the young generation of the heap stays small (measured: 80 MB of 300).
      env: { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '524288', MALLOC_TRIM_THRESHOLD_: '524288', ...process.env },
    },
  );
  // Signals to this process alone are passed on. A terminal sends Ctrl-C to both processes; the child counts that once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`facelatch cannot start ${node}: ${error.message}`);
    process.exit(3);
  });
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 3);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
