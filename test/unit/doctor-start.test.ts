import { describe, expect, it } from 'vitest'
import { findingsIn, plainConfig, told } from './support/doctor.ts'

type Files = Record<string, string | undefined>
type Row = [what: string, files: Files, expected: string[], modes?: Record<string, number>]

const service = (more: string): string => plainConfig.replace('health: /healthz }', `health: /healthz, ${more} }`)
const services = (lines: string): string =>
  `image: ghcr.io/team/app\nenvironments:\n  production:\n    host: deploy@a.example.org\n    services:\n${lines}`
const start = (script: string, more: Files = {}): Files => ({
  'start.sh': script,
  Dockerfile: 'FROM python:3.12\nCOPY start.sh app.py /\nCMD ["/start.sh"]\n',
  ...more,
})

const checked = (health: string): Files => ({
  Dockerfile: `FROM python:3.12\nCOPY app.py /\n${health}\nCMD ["python", "app.py"]\n`,
})
const worker = (more: string): string => services(`      worker: { command: [celery, worker]${more} }\n`)

const rows: Row[] = [
  [
    'a worker with the HEALTHCHECK of the web, that cannot be well',
    { ...checked('HEALTHCHECK CMD curl -f http://localhost:8000/'), 'launchway.yml': worker('') },
    [
      'warning health-of-another launchway.yml:6:7: worker has no port, and the HEALTHCHECK of its image asks one: CMD curl -f http://localhost:8000/',
    ],
  ],
  [
    'a worker that does without it',
    { ...checked('HEALTHCHECK CMD curl -f http://localhost:8000/'), 'launchway.yml': worker(', health: none') },
    [],
  ],
  ['a worker with a HEALTHCHECK that asks nobody', { ...checked('HEALTHCHECK CMD test -e /run/alive'), 'launchway.yml': worker('') }, []],
  [
    'a HEALTHCHECK that comes after the deploy has given up',
    { ...checked('HEALTHCHECK --interval=65s CMD test -e /run/alive'), 'launchway.yml': worker('') },
    ['warning health-late launchway.yml:6:7: worker is asked every 65s, and the deploy waits for 1 min 0 s'],
  ],
  [
    'one for which the deploy waits',
    { ...checked('HEALTHCHECK --interval=65s CMD test -e /run/alive'), 'launchway.yml': worker(', health: { timeout: 5m }') },
    [],
  ],
  // What starts.
  [
    'code and packages that are fetched at the start',
    start(
      '#!/bin/bash\n# git pull\ngit pull\npip install -r requirements.txt\ncurl -fsSL https://example.org/i.sh | sh\nexec gunicorn -b :5000 run:app\n',
    ),
    [
      'warning fetch-at-start start.sh:3: is fetched at each start, by git: git pull',
      'warning fetch-at-start start.sh:4: is fetched at each start, by a package manager of Python: pip install -r requirements.txt',
      'warning fetch-at-start start.sh:5: is fetched at each start, by a script from the network: curl -fsSL https://example.org/i.sh | sh',
    ],
    { 'start.sh': 0o755 },
  ],
  [
    'a server that only its own container reaches, as it was told',
    start('#!/bin/sh\nredis-server --bind 127.0.0.1 &\nexec gunicorn -w 3 -b 127.0.0.1:5000 run:app\n'),
    ['error bound-to-loopback start.sh:3: listens on the loopback of its container: exec gunicorn -w 3 -b 127.0.0.1:5000 run:app'],
    { 'start.sh': 0o755 },
  ],
  [
    'one that does so unless it is told otherwise',
    { Dockerfile: 'FROM python:3.12\nCOPY app.py /\nCMD uvicorn main:app --port 8000\n' },
    ['error bound-to-loopback Dockerfile:3: listens on 127.0.0.1, which is the default of this server: sh -c uvicorn main:app --port 8000'],
  ],
  [
    'one that a file of settings tells so',
    {
      Dockerfile: 'FROM python:3.12\nCOPY gunicorn_config.py /\nCMD ["gunicorn", "-c", "gunicorn_config.py", "run:app"]\n',
      'gunicorn_config.py': 'workers = 3\nbind = "127.0.0.1:5000"\n',
    },
    ['error bound-to-loopback gunicorn_config.py:2: listens on the loopback of its container: bind = "127.0.0.1:5000"'],
  ],
  [
    'one that launchway.yml starts, by its place there',
    { 'launchway.yml': service('command: [flask, run]') },
    [
      'error bound-to-loopback launchway.yml:4:103: listens on 127.0.0.1, which is the default of this server: flask run',
      'warning development-server launchway.yml:4:103: starts a server for development: flask run',
    ],
  ],
  [
    'servers that listen for everybody',
    { Dockerfile: 'FROM python:3.12\nCOPY app.py /\nCMD ["sh", "-c", "uvicorn main:app --host 0.0.0.0"]\n' },
    [],
  ],
  [
    'a server that is told by a variable',
    { Dockerfile: 'FROM python:3.12\nENV GUNICORN_CMD_ARGS="--bind=0.0.0.0:8000"\nCOPY app.py /\nCMD ["gunicorn", "run:app"]\n' },
    [],
  ],
  [
    'what a compose file starts that is not for developers',
    {
      'launchway.yml': `${plainConfig}smoke: { compose: [docker-compose.yml, docker-compose-development.yml] }\n`,
      'docker-compose.yml':
        'services:\n  web:\n    image: shop:1\n    command: gunicorn -b localhost:5000 main:app\n    environment: [FLASK_DEBUG=1]\n',
      'docker-compose-development.yml': 'services:\n  web: { command: flask run }\n',
    },
    [
      'error bound-to-loopback docker-compose.yml:4:14: listens on the loopback of its container: gunicorn -b localhost:5000 main:app',
      'warning development-server docker-compose.yml:5:19: switches debugging on: FLASK_DEBUG=1',
    ],
  ],
  [
    'a server whose address a script or launchway.yml sets',
    start('#!/bin/sh\nexport GUNICORN_CMD_ARGS=--bind=:5000\nexec gunicorn run:app\n', {
      'launchway.yml': service('command: [gunicorn, "run:app"], env: { PORT: 5000 }'),
    }),
    [],
    { 'start.sh': 0o755 },
  ],
  [
    'debug mode',
    { Dockerfile: 'FROM python:3.12\nENV FLASK_DEBUG=1\nCOPY app.py /\n' },
    ['warning development-server Dockerfile:2: switches debugging on: ENV FLASK_DEBUG=1'],
  ],
  [
    'a script whose last command is not its own process',
    start('#!/bin/bash\nexport A=1\n\ngunicorn -b :5000 \\\n  run:app\n'),
    ["warning signals-lost start.sh:4: start.sh ends with a command that is not exec'd: gunicorn -b :5000 run:app"],
    { 'start.sh': 0o755 },
  ],
  [
    'such a script, where an init passes signals on',
    start('#!/bin/bash\ngunicorn -b :5000 run:app\n', { 'launchway.yml': service('options: [--init]') }),
    [],
    { 'start.sh': 0o755 },
  ],
  ['a script that catches signals', start('#!/bin/bash\ntrap stop TERM\ngunicorn -b :5000 run:app &\nwait\n'), [], { 'start.sh': 0o755 }],
  [
    'a scheduler, and workers of a fixed name',
    {
      'launchway.yml': services(
        '      beat: { command: [celery, -A, app, beat] }\n      rq: { command: [rqworker, --name, worker, --url, "redis://redis"] }\n      one: { command: [celery, -A, app, worker, -n, one@shop] }\n',
      ),
    },
    [
      'warning overlap launchway.yml:6:7: beat runs celery beat',
      'warning overlap launchway.yml:7:7: rq runs a worker whose name is always worker',
      'warning overlap launchway.yml:8:7: one runs a worker whose name is always one@shop',
    ],
  ],
  [
    'the same where somebody has said what is to be, or the name is another in each container',
    {
      'launchway.yml': services(
        '      beat: { command: [celery, -A, app, beat], overlap: false }\n      rq: { command: [rqworker, --name, worker], overlap: true }\n      one: { command: [celery, -A, app, worker, -n, "one@%h"] }\n',
      ),
    },
    [],
  ],
]

describe('doctor finds in the files of a repository, of what starts', () => {
  it.each(rows)('%s', async (_, files, expected, modes) => {
    expect((await findingsIn(files, modes)).map(told).toSorted()).toEqual(expected.toSorted())
  })
})
