import { describe, expect, it } from 'vitest'
import { findingsIn, plainConfig, showsOnly } from './support/doctor.ts'

type Files = Record<string, string>
const service = (more: string): string => plainConfig.replace('health: /healthz }', `health: /healthz, ${more} }`)
const image = (lines: string, more: Files = {}): Files => ({ Dockerfile: `FROM python:3.12\nCOPY app.py /\n${lines}\n`, ...more })
const node = (start: string, scripts: Readonly<Record<string, string>>, more: Files = {}): Files => ({
  Dockerfile: `FROM node:22\nCOPY . .\n${start}\n`,
  '.dockerignore': '.git\n',
  'package.json': `{\n  "name": "shop",\n  "scripts": ${JSON.stringify(scripts)}\n}\n`,
  ...more,
})
const byDefault = (text: string): string => `listens on 127.0.0.1, which is the default of this server: ${text}`
const told = (text: string): string => `listens on the loopback of its container: ${text}`

const rows: [what: string, files: Files, expected: string[]][] = [
  [
    "by default, whatever PORT says: that is gunicorn's alone",
    image('ENV PORT=8000\nCMD ["uvicorn", "app:app"]'),
    [`Dockerfile:4: ${byDefault('uvicorn app:app')}`],
  ],
  ['nothing of a gunicorn that PORT tells where to listen', image('ENV PORT=8000\nCMD ["gunicorn", "app:app"]'), []],
  [
    'by default, where arguments in a variable say other things',
    image('ENV GUNICORN_CMD_ARGS="--workers 3"\nCMD ["gunicorn", "app:app"]'),
    [`Dockerfile:4: ${byDefault('gunicorn app:app')}`],
  ],
  [
    'nothing of a gunicorn with workers of uvicorn, or of a server that is only named',
    image('CMD pip install uvicorn && exec gunicorn -k uvicorn.workers.UvicornWorker -b :80 app'),
    [],
  ],
  [
    'as a variable says, in the image',
    image('ENV FLASK_RUN_HOST=127.0.0.1\nCMD flask run'),
    ['Dockerfile:4: listens on the loopback of its container, as FLASK_RUN_HOST says: sh -c flask run'],
  ],
  [
    'as a variable says, in launchway.yml or in a file of variables that it names',
    {
      'launchway.yml': service('command: [flask, run], env-files: [./web.env]'),
      'web.env': 'FLASK_RUN_HOST=localhost\n',
    },
    ['launchway.yml:4:103: listens on the loopback of its container, as FLASK_RUN_HOST says: flask run'],
  ],
  [
    'nothing where one of those who set it says another address, or nobody knows which',
    {
      ...image('ENV FLASK_RUN_HOST=127.0.0.1\nCMD flask run'),
      'launchway.yml': service('command: [flask, run], env: { FLASK_RUN_HOST: 0.0.0.0 }'),
    },
    [],
  ],
  ['nothing where a variable says everybody', image('ENV UVICORN_HOST=0.0.0.0\nCMD ["uvicorn", "app:app"]'), []],
  ...(
    [
      'rails s -b 127.0.0.1',
      'bundle exec rails server --binding=localhost -p 3000',
      'puma -b tcp://127.0.0.1:3000',
      'php -S localhost:8000 -t public',
      'granian --host 127.0.0.1 app',
      'next start -H 127.0.0.1',
      'gunicorn --bind="127.0.0.1:80" app',
    ] as const
  ).map((text): (typeof rows)[number] => [`of ${text}`, image(`CMD ${text}`), [`Dockerfile:3: ${told(`sh -c ${text}`)}`]]),
  ...(['vite preview', 'vite', 'npx vite --port 80', 'php artisan serve', 'fastapi dev app.py'] as const).map(
    (text): (typeof rows)[number] => [`of ${text}, by default`, image(`CMD ${text}`), [`Dockerfile:3: ${byDefault(`sh -c ${text}`)}`]],
  ),
  ...(
    [
      'rails s -b 0.0.0.0',
      'rails s',
      'puma -b tcp://0.0.0.0:3000',
      'php -S 0.0.0.0:8000',
      'php artisan serve --host 0.0.0.0',
      'next start',
      'next start -H 0.0.0.0',
      'vite preview --host',
      'vite build',
      'vite-node server.ts',
      'php-fpm -F',
    ] as const
  ).map((text): (typeof rows)[number] => [`nothing of ${text}`, image(`CMD ${text}`), []]),
  [
    'of a script of package.json, with its line there, and of what it leads to',
    node('CMD ["npm", "start"]', { start: 'npm run serve', serve: 'next start -H 127.0.0.1', preview: 'vite preview' }),
    [`package.json:3:47: ${told('next start -H 127.0.0.1')}`],
  ],
  [
    'of a script of package.json that another runner is asked for by its name',
    node('CMD yarn preview', { preview: 'vite preview' }),
    [`package.json:3:25: ${byDefault('vite preview')}`],
  ],
  ['nothing of scripts that nobody starts', node('CMD ["npm", "start"]', { start: 'node server.js', dev: 'vite' }), []],
  ['nothing of scripts of another folder', node('CMD npm --prefix web start', { start: 'vite' }), []],
  ['nothing of a script that leads to itself', node('CMD npm start', { start: 'npm start' }), []],
  [
    'nothing of a server that its settings tell where',
    node('CMD ["npx", "vite", "preview"]', {}, { 'vite.config.ts': 'export default { preview: { host: true } }\n' }),
    [],
  ],
  [
    'of a compose file, by the variables of its own image',
    {
      ...image('ENV GUNICORN_CMD_ARGS=--bind=:80\nCMD ["python", "app.py"]'),
      'compose.yaml': 'services:\n  web: { build: ., command: gunicorn app }\n  other: { image: "shop:1", command: gunicorn app }\n',
    },
    [`compose.yaml:3:38: ${byDefault('gunicorn app')}`],
  ],
]

describe('doctor finds servers that only their own container reaches', () => {
  it.each(rows)('%s', async (_, files, expected) => {
    expect(showsOnly('bound-to-loopback', await findingsIn(files))).toEqual(expected)
  })
})

describe('doctor finds what is fetched when a container starts', () => {
  const found = async (text: string): Promise<string[]> => showsOnly('fetch-at-start', await findingsIn(image(`CMD ${text}`)))

  it.each([
    ['bundle install && rails s', 'a package manager of Ruby'],
    ['composer install --no-dev && php-fpm', 'a package manager of PHP'],
    ['yarn && node server.js', 'a package manager of Node'],
    ['yarn --frozen-lockfile; node server.js', 'a package manager of Node'],
    ['wget https://files.example.org/app-1.tgz && tar xf app-1.tgz', 'a file from the network'],
    ['curl -fsSLO https://files.example.org/a/run.sh && sh run.sh', 'a file from the network'],
    ['go install example.org/tool@latest', 'a package manager of Go or Rust'],
  ])('%s', async (text, by) => {
    expect(await found(text)).toEqual([`Dockerfile:3: is fetched at each start, by ${by}: sh -c ${text}`])
  })

  it.each([
    'bundle exec puma',
    'bundle check || bundle install',
    'bundle install --local && puma',
    'yarn start',
    'yarn node server.js',
    'composer dump-autoload',
    'curl -f http://localhost:80/health.tgz',
    'wget http://minio:9000/backup.zip',
    'curl -fsS https://status.example.org/ping',
  ])('and not: %s', async (text) => {
    expect(await found(text)).toEqual([])
  })
})
