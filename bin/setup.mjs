// Installs what is missing, and ends at once when nothing is: the npm packages of the lock file (Node 24 is one of them) and,
// with `--tests`, the Debian packages that the tests need. Runs on the machine's own Node (18 or later), without any package.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const marker = join(root, 'node_modules', '.facelatch-installed');

/** Programs that the tests start, and the Debian package of each. */
const testTools = { chromium: 'chromium', ffmpeg: 'ffmpeg', mosquitto: 'mosquitto', python3: 'python3', 'redis-server': 'redis-server' };

function run(command, args, options = {}) {
  return spawnSync(command, args, {
    cwd: root,
    stdio: options.quiet ? 'pipe' : 'inherit',
    encoding: 'utf8',
    env: { ...process.env, ...options.env },
  });
}

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(3);
}

function installPackages() {
  const want = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === want) return;
  console.error('setup: installing the npm packages of the lock file (once, about a minute)');
  // Install scripts run below, one by one. Those that download from elsewhere are denied in package.json (allowScripts).
  if (run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']).status !== 0) {
    fail('npm could not install the packages; is the npm registry reachable? Try again with: npm ci --ignore-scripts');
  }
  if (
    run('npm', ['rebuild', 'node', '--loglevel=error'], { quiet: true }).status !== 0 ||
    !existsSync(join(root, 'node_modules/node/bin/node'))
  ) {
    fail('Node.js 24 (npm package "node") could not be installed for this machine; see: npm rebuild node');
  }
  buildSysfsRelay();
  writeFileSync(marker, want);
}

/** onoff's native part must be built against the headers of the Node that runs it, not of the one that runs npm. */
function buildSysfsRelay() {
  if (!existsSync(join(root, 'node_modules/epoll'))) return;
  const headers = ['node_modules/node/node_modules', 'node_modules']
    .map((folder) => join(root, folder, `node-linux-${process.arch}`))
    .find((folder) => existsSync(join(folder, 'include')));
  const built =
    headers && run('npm', ['rebuild', 'epoll', '--loglevel=error'], { quiet: true, env: { npm_config_nodedir: headers } }).status === 0;
  if (!built)
    console.error(
      'setup: the native part of onoff could not be built (it needs python3, make and g++): a relay on the old sysfs GPIO interface cannot be used; everything else works',
    );
}

function installTestTools() {
  const onPath = (tool) => [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, tool)));
  const missing = Object.entries(testTools)
    .filter(([tool]) => !onPath(tool))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) fail(`the tests need ${missing.join(', ')}; install with: sudo ${command}`);
  console.error(`setup: ${command}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  run('apt-get', ['update', '-qq'], { quiet: true, env });
  const { status, stderr } = run('apt-get', command.split(' ').slice(1), { quiet: true, env });
  if (status !== 0) fail(`Debian's packages could not be installed: ${String(stderr).trim().split('\n').pop()}`);
}

installPackages();
if (process.argv.includes('--tests')) installTestTools();
