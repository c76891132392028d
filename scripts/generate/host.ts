import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JournalLine, type JournalStep, states, steps } from '../../src/core/journal.ts'
import {
  accessoryLabels,
  accessoryName,
  cronLabel,
  containerName,
  environmentNetwork,
  environmentTag,
  movingTag,
  hostPaths,
  cacheTag,
  keyTag,
  labels,
  oneOffLabel,
  inputsType,
  keyLabel,
  recordType,
  smokeLabels,
  taskLabel,
  smokeProject,
  smokeVariable,
  smokeVariables,
  stateRoot,
} from '../../src/core/names.ts'
import { sbomTypes } from '../../src/push/sbom.ts'
import { challengeFolder } from '../../src/tools/certbot.ts'
import { statementType } from '../../src/tools/provenance.ts'
import { code, fenced, type GeneratedFile, page, prose, table } from './page.ts'
import { isOptional, typeOf } from './types.ts'

const release = '20261121-101500-4f2a9c1'
const owner = { app: 'shop', environment: 'production' }

const labelMeanings: Record<keyof typeof labels, string> = {
  app: 'the application: `app` of launchway.yml',
  environment: 'the environment',
  service: 'the service',
  slot: '`a` or `b`: the two places in which releases take turns',
  release: 'the release that started the container; later ones may have left it running, and have it as well: `carried` in their folders',
}

export function namesPage(): GeneratedFile {
  const paths = hostPaths(stateRoot, owner.app, owner.environment)
  const key = '0f'.repeat(16)
  return page('docs/reference/names.md', 'Names', 'src/core/names.ts', [
    'What other programs see of launchway. Hosts and registries keep these names for years, so they are a contract. The examples are those of the application `shop` in its environment `production`.',
    '## Names that you choose',
    'Applications, environments, services and images: 1 to 40 characters of `a-z`, `0-9`, `_` and `-`, the first a letter or digit. No dots: they join names.',
    '## Releases and containers',
    table(
      ['what', 'looks like', 'meaning'],
      [
        ['release', code(release), 'when it was planned (UTC) and the commit; sorts by time'],
        ['container', code(containerName({ ...owner, service: 'web', release })), 'application, environment, service, release'],
        ['accessory', code(accessoryName({ ...owner, accessory: 'redis' })), 'application, environment, accessory; no release'],
        ['network', code(environmentNetwork(owner)), 'what is on no other network, in an environment with accessories'],
        ['content key', code(key), 'digest over everything that determines an image; the same tree has the same key'],
      ],
    ),
    '## Labels',
    'On every container of a release.',
    table(
      ['label', 'value'],
      [
        ...Object.entries(labelMeanings).map(([name, meaning]) => [code(`launchway.${name}`), meaning]),
        [code(cronLabel), 'the times of a scheduled command (`cron`); not on what is kept running'],
        [code(taskLabel), 'what a container does that serves nobody, such as `before-switch`; its `launchway.service` is empty'],
      ],
    ),
    'An accessory has the first two of them, and:',
    table(
      ['label', 'value'],
      [
        [code(accessoryLabels.accessory), 'the accessory'],
        [code(accessoryLabels.configuration), 'what it was started as, in JSON; no secret'],
        [code(accessoryLabels.contents), 'a hash of the files and texts that it mounts, where it mounts some'],
      ],
    ),
    fenced('sh', `docker ps --all --filter label=${labels.app}=shop --filter label=${labels.environment}=production`),
    `On a container of \`launchway exec --new\`, and none of those above: ${code(`${oneOffLabel}=shop.production`)}. It goes with its command.`,
    'On everything that a smoke test makes: containers, networks, volumes, and images that compose builds.',
    table(
      ['label', 'value'],
      [
        [code(smokeLabels.project), `the compose project, such as ${code(smokeProject('shop', '4f2a9c1b'))}`],
        [
          code(smokeLabels.owner),
          'the machine and the process that will remove it, with `watch:` before it in `smoke --watch`; `kept:` and the working tree of a stack that is kept',
        ],
      ],
    ),
    'In the environment of a script that checks a stack:',
    table(
      ['variable', 'value'],
      [
        [
          code(smokeVariable('web', 5000)),
          'where the port 5000 of the service `web` is reached, such as `127.0.0.1:49153`; one for each port that the compose file publishes or a check asks. The service in capitals, what is no letter or digit an underscore',
        ],
        [code(smokeVariable('web', 'CONTAINER')), 'the ID of its container, the first that runs of several, for `docker exec`'],
        [code(smokeVariables.project), 'the compose project, for `docker compose --project-name`'],
      ],
    ),
    '## Tags in a registry',
    table(
      ['tag', 'points at', 'written'],
      [
        [
          code(cacheTag('web')),
          'layers of the builds of the image `web`, where its `cache` is `registry`',
          'by the build, but for pull requests',
        ],
        [code(keyTag(key)), 'a candidate: an image under its content key', 'by the upload, before the gate'],
        ['your `image-tags`', 'the same manifest, byte for byte', 'by the push, after the gate'],
        [
          code(environmentTag({ ...owner, repository: 'ghcr.io/team/shop' })),
          'the release record of what runs in an environment',
          'by the deploy and by a rollback, once the hosts have switched',
        ],
        [
          code(environmentTag({ ...owner, repository: 'ghcr.io/team/all' })),
          'the same, in a repository that the application is not named after and may share',
          'by the deploy and by a rollback, once the hosts have switched',
        ],
        [
          code(movingTag({ ...owner, repository: 'ghcr.io/team/shop' })),
          'a note of the tags that are being moved; in a shared repository with `-shop` after it',
          'by the push, before the first of several tags moves and after the last',
        ],
        [code('sha256-…'), 'the list of what refers to a digest', 'in registries without a referrers API, with the record of each release'],
        [
          code('sha256-….sig'),
          'the signatures of a digest by a key, as cosign has them',
          'before the tags move, where evidence.sign names a key',
        ],
      ],
    ),
    `A release record beside an image has the type ${code(recordType)}, what the image was built of ${code(inputsType)}, an SBOM ${code(sbomTypes.spdx)} or ${code(sbomTypes.cyclonedx)}, its provenance ${code(statementType)}; the image itself has its content key as the label ${code(keyLabel)}. Tags that begin with \`launchway-\` belong to launchway.`,
    '## State on a host',
    `Below ${code(stateRoot)}, or the folder that \`state\` names:`,
    table(
      ['path', 'holds'],
      [
        [
          code(paths.lock),
          'the lock of one deploy at a time; the kernel drops it when its program ends, so it is never stale and never to be removed',
        ],
        [code(`${paths.home}/lock.holder`), 'who holds it, or held it last; `lock.pid` is the program'],
        [code(paths.hostLock), 'the lock of changes to nginx, to the ports of slots and to crontabs, for the whole host'],
        [code(paths.journal), 'what was done and when: [journal](journal.md)'],
        [code(paths.current), 'the release that runs'],
        [code(paths.previous), 'the release before it: what a rollback returns to'],
        [
          code(`${paths.home}/order`),
          'the releases in the order in which they were recorded here, whatever the clocks of those who deploy say',
        ],
        [
          code(`${paths.home}/waits`),
          'a release that waits for a confirmation: its id, since when, until when (`-`: until somebody decides), who deployed it; counts while it is the current one',
        ],
        [code(paths.maintenance), 'while it is there, visitors get a page instead of the application; who said so, and since when'],
        [code(paths.slotFile), 'while it is there, slot b serves behind nginx; else slot a, and the file is called `slot.a`'],
        [
          code(paths.nginxContainer),
          'where nginx runs in a container: its name, its path of the folder `launchway.d`, and that of the host, with blanks between them; not there where nginx is a program of the host',
        ],
        [
          code(`${paths.home}/ports`),
          'of each service behind nginx the loopback ports of slot a and slot b; a line stays, since kept containers are bound to its ports',
        ],
        [
          code(paths.job),
          'what the lines of a crontab start for a scheduled command; `cron.of` names the account whose crontab it is, `jobs.<service>.lock` is held while a run is started',
        ],
        [code(`${paths.home}/held`), 'who keeps everybody from deploying (`launchway lock`): since when, who, why; not there otherwise'],
        [
          code(`${paths.home}/owner`),
          'the first repository of the application that this state is of; another application of the same name is refused',
        ],
        [
          code(`${paths.release(release)}/`),
          'one folder a release: `images` (what it pulled), `secrets` (0600), `release.json` (what a rollback needs to know; no secret), `before-switch.log` (0600: what those commands said), `<container>.log` (0600: the last 10,000 lines of one that did not come up; a release that failed goes with the next deploy that succeeds), `carried` (containers of earlier releases that this one has left running: `SERVICE CONTAINER`, a line each), `definitions` (0600; by container a digest of what it is made from, and the key of that digest), `job.<service>` (0600; what the container of a scheduled command is made with, no secret), `recorded` (the release before it), and `undo` while it is being deployed. Of a release that is kept no longer there are only its definitions and what is mounted from there, while a later one still has a container of it',
        ],
        [
          code(`${paths.assets('web')}/`),
          'what visitors are given of both versions (`assets`), one folder a slot: `a/files/…`, by the path that they ask for, and `a/release`, whose they are; readable for everybody, and without links. `a.new` and `a.old` are there during a deploy alone',
        ],
        [
          code(`${paths.files}/<hash>`),
          'what releases mount of the repository, each file and folder as it was sent, for as long as a release has it: sent once, and never mounted itself; 0700',
        ],
        [
          code(paths.accessory('redis', '<id>')),
          '`files` and `texts` of the container of an accessory, which outlives the release that has made it; gone once it mounts them no more',
        ],
        [
          code(`${paths.home}/attempts/`),
          'the program, its log and (0600, until the images are there) the logins of a deploy under way; gone when it has ended',
        ],
        [code(`${paths.home}/reserve`), '64 kB set aside, so that a full disk leaves room to say so'],
      ],
    ),
    `Images that a release needs are called \`launchway.invalid/kept:<digest>\` on the host, too, so that \`docker system prune\` leaves them; the name goes with the last release that needs it. Outside of the folder, where a service asks for a certificate: ${code(challengeFolder)}, in which certbot puts what the authority asks for. It stands in the renewal configuration of each certificate, so it stays. What nginx reads: [nginx](../guide/nginx.md#what-launchway-writes).`,
  ])
}

const stepMeanings: Record<JournalStep, string> = {
  lock: 'took the lock of this application and environment',
  recover: 'finished or undid a deploy that was interrupted; says which of its commands it waits for, and how that ended',
  certificate: 'had certbot ask for the certificate of a service, with its words as it goes; the note is for which names, and until when',
  pull: 'pulled an image by digest; skipped when it is there',
  files:
    'put in place what containers mount of the repository, or wrote configs and secrets of a project; the note has the paths, and never what is in a text',
  'before-switch': 'ran the command before the switch, in the new image',
  carry:
    'left a container running, since what it is made from has not changed: it belongs to this release as well; the note is its name (an environment of a compose project)',
  create: 'made a container and started nothing: what the engine refuses is told while all that runs still runs',
  assets: 'copied the files that visitors may ask for (`assets`) out of a container, for nginx to give those of both versions',
  once: 'ran a service that runs once for a release to its end, with its words as they came',
  run: 'started a container',
  healthy: 'waited until a service was well; the note is the probe’s answer, or why it was not',
  downtime:
    'the time in which nobody served, since the old container was stopped first; the note says why (a fixed port, `overlap: false`)',
  switch:
    'wrote the server of a service for nginx, reloaded nginx, or (without a service) sent the requests to the other slot; the note says which',
  probe: 'asked nginx until the new version answered: by the name of its slot before the switch, as everybody asks after it',
  linger:
    'had visitors for half a second while the old one still ran, to which nginx falls back, and asked once more; a version that they bring down is undone',
  drain: 'waited for the last requests that nginx had given to the old version, or for the run of a scheduled command that was under way',
  schedule: 'wrote the lines of scheduled commands (`cron`) in the crontab of the account; the note has how many, and of whom',
  forced: 'did what a release declares must not be done, since somebody said --force; the note is who, and what it declares',
  stop: 'stopped an old container, or one that somebody wanted stopped; the note is its name; says which had to be killed',
  remove: 'removed a container for good; the note is its name, and in a second line the volumes that stay',
  prune: 'removed what no kept release needs; the note has the kilobytes that this freed, and a line for each thing that went',
  record: 'made the release the current one: the point of no return',
  confirm: 'ended the wait of the current release for its confirmation; the note is by whom',
  undo: 'took back what the attempt had done',
  end: 'closed the attempt',
}

const fieldMeanings: Record<keyof typeof JournalLine.shape, string> = {
  v: 'version of this format; fields may be added under the same version, so ignore what you do not know',
  at: 'seconds since the epoch, by the host’s clock',
  release: 'the release',
  attempt: 'one start of the program: a release can be attempted more than once',
  step: 'see below',
  state: `how the step went: ${states.map(code).join(', ')}`,
  service: 'the service, where the step is about one',
  ms: 'milliseconds the step took, to 10 ms',
  note: 'evidence, or the reason',
  by: 'who set the attempt off: an account and a machine, or the address of a workflow run',
  version: 'what people call the release',
  did: '`deploy`, `rollback`, `stop`, `start`, `remove` or `prune`',
}

export function journalPage(): GeneratedFile {
  const folder = join(import.meta.dirname, '../../src/deploy/host')
  const program = globSync('*.sh', { cwd: folder })
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .join('\n')
  const written = (step: string): boolean => new RegExp(`(start_step|end_step|journal) ${step}\\b`).test(program)
  const fields = Object.entries(JournalLine.shape).map(([name, field]) => [
    code(name),
    typeOf(field),
    isOptional(field) ? 'no' : 'yes',
    prose(Object.entries(fieldMeanings).find(([key]) => key === name)?.[1] ?? ''),
  ])
  return page('docs/reference/journal.md', 'Journal', 'src/core/journal.ts', [
    'Each host keeps what was done to it in `journal.jsonl`, one JSON object a line, appended and never rewritten. launchway follows it during a deploy; you may follow it too:',
    fenced('sh', `tail -f ${hostPaths(stateRoot, owner.app, owner.environment).journal}`),
    fenced(
      'json',
      `{"v":1,"at":1795256100,"release":"${release}","attempt":"9f86d081884c7d65","step":"healthy","state":"done","service":"web","ms":1240,"note":"http://127.0.0.1:80/healthz 200"}`,
    ),
    '## Fields',
    table(['field', 'type', 'always', 'meaning'], fields),
    '## Steps',
    'Those of this version. A journal outlives versions, so a line may have a step or a state that is not here: leave it alone.',
    table(
      ['step', 'meaning', ''],
      steps.map((step) => [code(step), stepMeanings[step], written(step) ? '' : 'not written by this version']),
    ),
    '## How an attempt ends',
    table(
      ['state of `end`', 'means'],
      [
        [code('done'), 'the new release runs'],
        [code('failed'), 'nothing was changed'],
        [code('undone'), 'the old version serves'],
        [code('broken'), 'the old version could not be brought back: [act now](../errors/ROLLBACK_FAILED.md)'],
      ],
    ),
    'No `end`: the program was killed, and what would have cleaned up after it. The next deploy finishes what was recorded and undoes the rest before it begins.',
  ])
}
