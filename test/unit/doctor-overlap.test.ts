import { describe, expect, it } from 'vitest'
import { findingsIn, told } from './support/doctor.ts'

type Files = Record<string, string>

const deployed = (how: string, more = ''): string =>
  `image: ghcr.io/team/app\nenvironments:\n  production:\n    host: deploy@a.example.org\n    ${how}: docker-compose.yml\n${more}`
const project = (services: string, more = ''): Files => ({
  'launchway.yml': deployed('compose', more),
  'docker-compose.yml': `services:\n${services}`,
})
const stack = (services: string): Files => ({
  'launchway.yml': deployed('swarm'),
  'docker-compose.yml': `services:\n${services}`,
})

const rows: [what: string, files: Files, expected: string[]][] = [
  [
    'a scheduler and a worker of a fixed name of a compose project',
    project(
      '  web: { build: ., command: gunicorn -b :80 app }\n  beat: { build: ., command: celery -A app beat }\n  w: { image: "other:1", command: rq worker --name high }\n  n: { build: ., command: rq worker --name "$$HOSTNAME" }\n',
    ),
    ['docker-compose.yml:3:30: beat runs celery beat', 'docker-compose.yml:4:35: w runs a worker whose name is always high'],
  ],
  [
    'one that the image starts, or a script of it, as another file of the project has it',
    {
      'launchway.yml': deployed('compose').replace('docker-compose.yml', '[docker-compose.yml, more.yml]'),
      Dockerfile: 'FROM python:3.12\nCOPY beat.sh app.py /\nCMD ["crond", "-f"]\n',
      'beat.sh': '#!/bin/sh\nexec celery -A app beat\n',
      'docker-compose.yml': 'services:\n  cron: { build: . }\n  beat: { build: . }\n',
      'more.yml': 'services:\n  beat: { command: sh /beat.sh }\n',
    },
    ['docker-compose.yml:2:9: cron runs crond', 'more.yml:2:20: beat runs celery beat'],
  ],
  [
    'nothing where somebody has said what is to be, or two cannot be at once',
    project(
      [
        '  said: { build: ., command: crond }',
        '  times: { build: ., command: crond }',
        '  data: { image: "cron:1", command: crond, volumes: ["x:/x"] }',
        '  first: { build: ., command: crond, deploy: { update_config: { order: stop-first } } }',
        '  port: { build: ., command: crond, ports: ["80:80"] }',
        '  net: { build: ., command: crond, network_mode: host }',
        '  tool: { build: ., command: crond, profiles: [tools] }',
        'volumes: { x: {} }',
        '',
      ].join('\n'),
      '    services: { said: { overlap: true }, times: { cron: "@daily" } }\n',
    ),
    [],
  ],
  [
    'nothing of a project that is tested and not deployed',
    { 'docker-compose.yml': 'services:\n  beat: { build: ., command: celery -A app beat }\n' },
    [],
  ],
  [
    'one of which several would run, whatever a deploy does',
    project('  beat: { build: ., command: celery -A app beat, deploy: { replicas: 2, update_config: { order: stop-first } } }\n'),
    ['docker-compose.yml:2:30: beat runs celery beat, in 2 containers at once'],
  ],
  [
    'of a stack what is told to start first: without that the old task is stopped before',
    stack(
      '  web: { image: ghcr.io/team/app }\n  beat: { image: ghcr.io/team/app, command: celery -A app beat }\n  w: { image: ghcr.io/team/app, command: rq worker --name high, deploy: { update_config: { order: start-first } } }\n',
    ),
    ['docker-compose.yml:4:42: w runs a worker whose name is always high'],
  ],
]

describe('doctor finds what must not run twice, in what is deployed of compose files', () => {
  it.each(rows)('%s', async (_, files, expected) => {
    const found = (await findingsIn(files)).filter(({ rule }) => rule === 'overlap')
    expect(found.map(told)).toEqual(expected.map((line) => `warning overlap ${line}`))
  })

  it('and says what to write, and where', async () => {
    const fixes = async (files: Files): Promise<string[]> =>
      (await findingsIn(files)).flatMap(({ rule, fix }) => (rule === 'overlap' ? [fix] : []))
    expect(await fixes(project('  beat: { build: ., command: celery -A app beat }\n'))).toEqual([
      'In launchway.yml, beside compose: services: { beat: { overlap: false } }, so that the old one is stopped first; or overlap: true if two may run.',
    ])
    expect(
      await fixes(stack('  b: { image: ghcr.io/team/app, command: crond, deploy: { update_config: { order: start-first } } }\n')),
    ).toEqual(['Have the old one stopped first: deploy: { update_config: { order: stop-first } }'])
  })
})
