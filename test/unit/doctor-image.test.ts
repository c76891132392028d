import { describe, expect, it } from 'vitest'
import { findingsIn, plainConfig, told } from './support/doctor.ts'

type Files = Record<string, string | undefined>
type Row = [what: string, files: Files, expected: string[], modes?: Record<string, number>]

const start = (script: string, more: Files = {}): Files => ({
  'start.sh': script,
  Dockerfile: 'FROM python:3.12\nCOPY start.sh app.py /\nCMD ["/start.sh"]\n',
  ...more,
})

const rows: Row[] = [
  // The image and its build.
  ['a repository that is as it should be', {}, []],
  ['an image without a Dockerfile', { Dockerfile: undefined }, ['error dockerfile-missing Dockerfile: the image app has no Dockerfile']],
  [
    'what COPY names and nobody has',
    { Dockerfile: 'FROM python:3.12\nCOPY requirements.txt src/ app.py /app/\nCOPY dist/ web/node_modules/x /app/\n' },
    [
      'error copy-missing Dockerfile:2: COPY takes requirements.txt, which the build does not see',
      'error copy-missing Dockerfile:2: COPY takes src, which the build does not see',
      'warning copy-missing Dockerfile:3: COPY takes dist, which has to be made before the build',
    ],
  ],
  [
    'what COPY names and .dockerignore hides',
    { Dockerfile: 'FROM python:3.12\nCOPY app.py /\n', '.dockerignore': '*.py\n' },
    ['error copy-missing Dockerfile:2: COPY takes app.py, which the build does not see'],
  ],
  [
    'what COPY takes by a pattern, from a stage, or as a variable',
    { Dockerfile: 'FROM python:3.12 AS a\nARG X\nCOPY a*.py ${X} /\nFROM a\nCOPY --from=a /x /y\n' },
    [],
  ],
  [
    'a start-up script with Windows line ends, whole lines of it',
    start('#!/bin/bash\nset -e\r\nexec gunicorn -b :5000 run:app\r\n'),
    ['error script-line-ends start.sh:2: start.sh has Windows line ends (CRLF)'],
    { 'start.sh': 0o755 },
  ],
  [
    'a script with a byte order mark',
    start('\uFEFF#!/bin/bash\nexec gunicorn -b :5000 run:app\n'),
    ['error script-line-ends start.sh:1: start.sh begins with a byte order mark'],
    { 'start.sh': 0o755 },
  ],
  ['a batch file with Windows line ends', { Dockerfile: 'FROM python:3.12\nCOPY app.py run.bat /\n', 'run.bat': 'echo\r\n' }, []],
  ['a script with Windows line ends that no image takes', { 'tools/win.sh': '#!/bin/sh\r\necho\r\n' }, []],
  [
    'a script that is called and cannot be executed',
    start('#!/bin/bash\nexec gunicorn -b :5000 run:app\n'),
    ['error script-mode Dockerfile:3: starts /start.sh, and start.sh is not executable'],
  ],
  [
    'a script that the build makes executable, or a shell reads',
    {
      'launchway.yml': 'images:\n  a: { repositories: [r.example.org/a] }\n  b: { dockerfile: B, repositories: [r.example.org/b] }\n',
      'start.sh': 'exec gunicorn -b :5000 run:app\n',
      Dockerfile: 'FROM python:3.12\nCOPY --chmod=755 start.sh /\nCMD ["/start.sh"]\n',
      B: 'FROM python:3.12\nCOPY start.sh /\nCMD ["bash", "/start.sh"]\n',
    },
    [],
  ],
  [
    'FROM the repository that it is pushed to',
    { Dockerfile: '# again and again\nFROM ghcr.io/team/app:latest\nCOPY app.py /\n' },
    [
      'warning from-own-image Dockerfile:2: app is built on ghcr.io/team/app:latest, which is what it is pushed as',
      'hint base-floating Dockerfile:2: ghcr.io/team/app:latest is whatever is newest',
    ],
  ],
  [
    'FROM an image that was committed by hand',
    {
      'launchway.yml': plainConfig.replace('ghcr.io/team/app', 'docker.io/apw247/flask_addie'),
      Dockerfile: 'FROM flask_addie:1\nCOPY app.py /\n',
    },
    ['error from-own-image Dockerfile:1: flask_addie:1 is in no registry: it is an image of the machine that it was made on'],
  ],
  [
    'an image that is called as an official one',
    { 'launchway.yml': plainConfig.replace('team/app', 'team/nginx'), Dockerfile: 'FROM nginx:1.27\nCOPY app.py /\n' },
    [],
  ],
  [
    'a base without a version',
    { Dockerfile: 'FROM --platform=linux/amd64 python AS python\nFROM python\nCOPY app.py /\n' },
    ['hint base-floating Dockerfile:1: python is whatever is newest'],
  ],

  [
    'nothing of the build of what a bake file describes, whatever lies where a Dockerfile would',
    {
      'launchway.yml':
        'images:\n  app: { repositories: [r.example.org/app], contexts: { below: "target:base" }, dockerfile: App }\n  web: { repositories: [r.example.org/web] }\n  base: {}\nbake: docker-bake.hcl\n',
      App: 'FROM below\nCOPY app.py /\n',
      Dockerfile: 'FROM python\nCOPY nothing /\nCMD ["flask", "run"]\n',
    },
    [],
  ],
  [
    'what a service of an image of a bake file is told to start, all the same',
    {
      'launchway.yml':
        'images:\n  app: { repositories: [r.example.org/app] }\nbake: docker-bake.hcl\nenvironments:\n  production: { host: deploy@a.example.org, port: 5000, publish: 80, health: /, env: { FLASK_DEBUG: "1" } }\n',
      Dockerfile: undefined,
    },
    ['warning development-server launchway.yml:5:81: switches debugging on: FLASK_DEBUG=1'],
  ],
  [
    'what is built on and pushed nowhere: its Dockerfile, and what its context holds',
    {
      'launchway.yml':
        'images:\n  app: { repositories: [r.example.org/app], contexts: { base: "target:base", lib: "target:lib" } }\n  base: { context: base }\n  lib: { context: lib }\n',
      Dockerfile: 'FROM base\nCOPY --from=lib /x /x\nCOPY app.py /\n',
      'base/Dockerfile': 'FROM python\nCOPY . /app\n',
      'base/.dockerignore': '*.md\n',
      'base/.env': 'MYSQL_PASSWORD=x1\n',
    },
    [
      'hint base-floating base/Dockerfile:1: python is whatever is newest',
      'error secret-in-image base/Dockerfile:2: COPY takes .env along, which holds MYSQL_PASSWORD',
      'error dockerfile-missing lib/Dockerfile: the image lib has no Dockerfile',
    ],
  ],
  [
    'FROM what a named context stands for, also as BuildKit writes it out',
    {
      'launchway.yml':
        'images:\n  app: { repositories: [r.example.org/app], contexts: { app: "docker-image://r.example.org/system:3", python: "docker-image://docker.io/library/python:3.12" } }\n',
      Dockerfile: 'FROM docker.io/library/python:latest AS a\nFROM app\nCOPY app.py /\n',
    },
    [],
  ],
  [
    'a base that is built on what is pushed',
    {
      'launchway.yml':
        'images:\n  app: { repositories: [r.example.org/app], dockerfile: App, contexts: { below: "target:base" } }\n  base: {}\n',
      App: 'FROM below\nCOPY app.py /\n',
      Dockerfile: 'FROM r.example.org/app:1\n',
    },
    ['warning from-own-image Dockerfile:1: base is built on r.example.org/app:1, which is what app is pushed as'],
  ],

  // What the image takes along.
  [
    'a whole folder without .dockerignore, and the secrets in it',
    {
      Dockerfile: 'FROM python:3.12\nCOPY . .\n',
      '.env': 'DEBUG=0\nMYSQL_PASSWORD=x1\n',
      'instance/config.py': 'KEY = 1',
      'deploy.pem': '-----BEGIN RSA PRIVATE KEY-----\n',
    },
    [
      'warning dockerignore-missing Dockerfile:2: COPY . . takes everything, and there is no .dockerignore',
      'error secret-in-image Dockerfile:2: COPY takes .env along, which holds MYSQL_PASSWORD',
      'error secret-in-image Dockerfile:2: COPY takes deploy.pem along, which holds a private key',
      "error secret-in-image Dockerfile:2: COPY takes instance along, which holds the application's own settings, which Flask keeps out of git",
    ],
  ],
  [
    'files with secrets that .dockerignore hides, and what only looks like one',
    {
      Dockerfile: 'FROM python:3.12\nCOPY . .\n',
      '.dockerignore': '.env\n',
      '.env': 'MYSQL_PASSWORD=x1\n',
      '.env.example': 'MYSQL_PASSWORD=\n',
      '.env.production': 'VITE_TITLE=Shop\n',
      'ca.pem': '-----BEGIN CERTIFICATE-----\n',
      '.npmrc': 'save-exact=true\n',
    },
    [],
  ],
  [
    'a secret that only a stage has which is left behind',
    {
      Dockerfile: 'FROM python:3.12 AS build\nCOPY . .\nFROM python:3.12\nCOPY --from=build /app /app\n',
      '.dockerignore': '',
      id_ed25519: 'x',
    },
    ['warning secret-in-image Dockerfile:2: COPY takes id_ed25519 along, which holds a private key'],
  ],
  [
    'the history of the repository',
    { Dockerfile: 'FROM python:3.12\nADD . /app\n', '.dockerignore': '*.md\n', '.git/HEAD': 'ref: refs/heads/main\n' },
    ['warning git-in-image Dockerfile:2: ADD . /app takes .git along'],
  ],
  [
    'a password in the Dockerfile',
    { Dockerfile: 'FROM python:3.12\nENV A=1 SECRET_KEY="s3cr3t" KEY_FILE=/run/key\nARG DB_PASSWORD=x1\nARG API_TOKEN\nCOPY app.py /\n' },
    [
      'error secret-in-dockerfile Dockerfile:2: ENV gives SECRET_KEY a value',
      'error secret-in-dockerfile Dockerfile:3: ARG gives DB_PASSWORD a value',
    ],
  ],
  [
    'a login in a URL, of a build step or of a script, and none that a variable holds',
    {
      Dockerfile:
        'FROM python:3.12\nRUN git clone https://oauth2:glpat-1234@code.example.org/tsitc.git\nRUN git clone https://x:${TOKEN}@code.example.org/a.git\nCOPY sync.sh app.py /\n',
      'sync.sh': '#!/bin/sh\ncurl ftp://ada:hunter2@files.example.org/x\n',
    },
    [
      'error login-in-url Dockerfile:2: a login for code.example.org is written here',
      'error login-in-url sync.sh:2: a login for files.example.org is written here',
    ],
  ],
  [
    'what is fetched at the start, without the login that stands there',
    {
      ...start('#!/bin/sh\ngit pull https://ada:hunter2@code.example.org/a.git --token=abcdef\nexec gunicorn -b :5000 run:app\n'),
    },
    [
      'error login-in-url start.sh:2: a login for code.example.org is written here',
      'warning fetch-at-start start.sh:2: is fetched at each start, by git: git pull https://***@code.example.org/a.git --token=***',
    ],
    { 'start.sh': 0o755 },
  ],
]

describe('doctor finds in the files of a repository, of an image and what it takes along', () => {
  it.each(rows)('%s', async (_, files, expected, modes) => {
    expect((await findingsIn(files, modes)).map(told).toSorted()).toEqual(expected.toSorted())
  })
})
