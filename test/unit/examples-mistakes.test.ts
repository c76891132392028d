import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../../lab/paths.ts'
import { findingsIn, told } from './support/doctor.ts'

/** What is changed in a file: what it says, and what it says by mistake; or the mode that it gets. */
type Mistake = readonly [file: string, from: string, to: string] | readonly [file: string, mode: number]

/** What doctor says of an example in which mistakes were made. */
async function foundIn(example: string, ...mistakes: readonly Mistake[]): Promise<string[]> {
  const folder = join(root, 'examples', example)
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = entries.flatMap((entry) => {
    const path = relative(folder, join(entry.parentPath, entry.name))
    return entry.isFile() && !path.includes('__pycache__') ? [path] : []
  })
  // As whoever has said which launchway the workflows run: until then doctor names those lines.
  const pinned = (text: string): string => text.replaceAll(/OWNER\/launchway([\w/]*)@COMMIT/g, `acme/launchway$1@${'a'.repeat(40)}`)
  const files = Object.fromEntries(paths.map((path) => [path, pinned(readFileSync(join(folder, path), 'utf8'))]))
  const modes: Record<string, number> = {}
  for (const mistake of mistakes) {
    const [file] = mistake
    if (mistake.length === 2) modes[file] = mistake[1]
    else {
      const [, from, to] = mistake
      const text = files[file] ?? ''
      if (!text.includes(from)) throw new Error(`${file} does not say ${from}`)
      files[file] = text.replace(from, to)
    }
  }
  // What the helper adds belongs to no example.
  return (await findingsIn({ Dockerfile: undefined, 'app.py': undefined, ...files }, modes)).map((one) =>
    told(one).replace(/:\d+:\d+: /, ': '),
  )
}

describe.each(['addie', 'camcops', 'cornflow', 'project-allocation', 'nightwatch'])('examples/%s, as it is', (example) => {
  it('has nothing that doctor says', async () => {
    expect(await foundIn(example)).toEqual([])
  })
})

describe('examples/project-allocation, with what its document warns of, made on purpose', () => {
  const file = 'docker-compose.yml'
  it.each<[string, Mistake, string[]]>([
    [
      'names of containers in production',
      [file, '    image: redis:7\n', '    image: redis:7\n    container_name: redis\n'],
      ['warning container-name docker-compose.yml: container_name: redis'],
    ],
    [
      "flask's own web server in production",
      [file, 'command: /usr/local/bin/gunicorn -b :5000 main:app', 'command: flask run --host=0.0.0.0'],
      ['warning development-server docker-compose.yml: starts a server for development: flask run --host=0.0.0.0'],
    ],
    [
      'the sources mounted over the image in production',
      [file, '  worker:\n    image: master-image\n', "  worker:\n    image: master-image\n    volumes: ['./app:/app']\n"],
      ['warning sources-mounted docker-compose.yml: worker mounts app, from which its image is built'],
    ],
    [
      'the file for developers deployed as well',
      ['launchway.yml', 'compose: docker-compose.yml', 'compose: [docker-compose.yml, docker-compose-development.yml]'],
      [
        'warning container-name docker-compose-development.yml: container_name: web',
        'warning container-name docker-compose-development.yml: container_name: worker',
        'warning container-name docker-compose-development.yml: container_name: dashboard',
        'warning container-name docker-compose-development.yml: container_name: redis',
        'warning development-server docker-compose-development.yml: starts a server for development: flask run --host=0.0.0.0',
        'warning development-server docker-compose-development.yml: switches debugging on: FLASK_DEBUG=1',
        'warning sources-mounted docker-compose-development.yml: web mounts app, from which its image is built',
        'warning sources-mounted docker-compose-development.yml: worker mounts app, from which its image is built',
      ],
    ],
  ])('%s', async (_, mistake, expected) => {
    expect((await foundIn('project-allocation', mistake)).toSorted()).toEqual(expected.toSorted())
  })
})

describe('examples/nightwatch, with what its list of troubles has, made on purpose', () => {
  const file = 'docker-compose.yml'
  it.each<[string, Mistake[], string[]]>([
    [
      'a mounted file that the user of the container may not read',
      [['web/nginx-proxy.conf', 0o640]],
      ['warning mount-unreadable docker-compose.yml: web/nginx-proxy.conf has mode 640, and the container runs as ${USER_ID}:${GROUP_ID}'],
    ],
    [
      'uWSGI that would begin as root, with all rights of root dropped',
      [[file, '    user: ${USER_ID:?}:${GROUP_ID:?}\n', '']],
      ['error capabilities-dropped docker-compose.yml: app begins as root without any right, and uWSGI becomes another user'],
    ],
    [
      'nginx as a user who is not in its group',
      [[file, '    group_add:\n      - nginx\n', '']],
      ['error group-missing docker-compose.yml: web runs nginx as ${USER_ID}:${GROUP_ID}, who is not in the group nginx'],
    ],
    [
      'a port of the host where the one inside is meant',
      [
        [file, '${WEB_PORT:?}:8080', '60037:8080'],
        ['launchway.yml', 'http://web:8080/ping', 'http://web:60037/ping'],
      ],
      ['error port-outside launchway.yml: the check "http://web:60037/ping" asks web:60037, which is its port outside; inside it is 8080'],
    ],
    [
      'an nginx that listens on another port than the one that is published',
      [['web/nginx-proxy.conf', 'listen 8080', 'listen 80']],
      ['error port-unheard docker-compose.yml: ${WEB_PORT:?}:8080 leads to 8080, and nginx listens on 80'],
    ],
  ])('%s', async (_, mistakes, expected) => {
    expect(await foundIn('nightwatch', ...mistakes)).toEqual(expected)
  })
})

describe('examples/camcops, with what its document warns of, made on purpose', () => {
  it.each<[string, Mistake[], string[]]>([
    [
      'the database, open beyond the host',
      [['docker-compose-mysql.yml', "'127.0.0.1:${CAMCOPS_DOCKER_MYSQL_HOST_PORT}:3306'", "'${CAMCOPS_DOCKER_MYSQL_HOST_PORT}:3306'"]],
      ['warning database-public docker-compose-mysql.yml: mysql (MySQL) is open to the world: ${CAMCOPS_DOCKER_MYSQL_HOST_PORT}:3306'],
    ],
    [
      'a password that everybody knows, where a variable had none',
      [['docker-compose-mysql.yml', '${CAMCOPS_DOCKER_MYSQL_ROOT_PASSWORD:?}', '${CAMCOPS_DOCKER_MYSQL_ROOT_PASSWORD:-root}']],
      ['warning default-password docker-compose-mysql.yml: MYSQL_ROOT_PASSWORD is "root" unless somebody changes it'],
    ],
  ])('%s', async (_, mistakes, expected) => {
    expect(await foundIn('camcops', ...mistakes)).toEqual(expected)
  })
})

describe('examples/cornflow, with what its document warns of, made on purpose', () => {
  const file = 'docker-compose.yml'
  // As the document mounts them.
  const mounted: Mistake = [file, '    - airflow_logs:', '    - ./airflow_config/requirements.txt:/requirements.txt\n    - airflow_logs:']
  const airflows = ['airflow_init', 'scheduler', 'webserver']
  it.each<[string, Mistake[], string[]]>([
    [
      'the passwords that everybody knows',
      [
        [file, 'AIRFLOW_PWD: ${AIRFLOW_PWD:?}\n\nservices', 'AIRFLOW_PWD: ${AIRFLOW_PWD:-admin}\n\nservices'],
        [file, 'CORNFLOW_ADMIN_PWD: ${CORNFLOW_ADMIN_PWD:?}', 'CORNFLOW_ADMIN_PWD: cornflow1234'],
      ],
      // Two services have them from one block.
      ['CORNFLOW_ADMIN_PWD is "cornflow1234"', 'AIRFLOW_PWD is "admin"']
        .flatMap((what) => [what, what])
        .map((what) => `warning default-password docker-compose.yml: ${what} unless somebody changes it`),
    ],
    [
      'a mounted file with permissions that do not match',
      [mounted, ['airflow_config/requirements.txt', 0o600]],
      airflows.map(
        () =>
          'warning mount-unreadable docker-compose.yml: airflow_config/requirements.txt has mode 600, and the container runs as 5050:5050',
      ),
    ],
    [
      'requirements that nobody has copied there',
      [[file, '    - airflow_logs:', '    - ./airflow_config/needed.txt:/requirements.txt\n    - airflow_logs:']],
      airflows.map(() => 'error mount-missing docker-compose.yml: airflow_config/needed.txt is mounted and is not there'),
    ],
    [
      'packages of the DAGs that are installed when a container starts',
      [['airflow/initairflow.sh', 'airflow db migrate', 'pip install -r /requirements.txt\nairflow db migrate']],
      [
        'warning fetch-at-start airflow/initairflow.sh:7: is fetched at each start, by a package manager of Python: pip install -r /requirements.txt',
      ],
    ],
    [
      'a database that keeps its data in its container alone',
      [[file, "    volumes: ['postgres_cf_data:/var/lib/postgresql/data/']\n", '']],
      ['warning data-unnamed docker-compose.yml: cornflow_db (postgres:15) keeps its data in no volume that has a name'],
    ],
    [
      'a database and a queue that are open to the world',
      [
        [file, "    volumes: ['postgres_cf_data", "    ports: ['5432:5432']\n    volumes: ['postgres_cf_data"],
        ['docker-compose-cornflow-celery.yml', '    image: redis:7\n', "    image: redis:7\n    ports: ['6379:6379']\n"],
      ],
      [
        'warning database-public docker-compose.yml: cornflow_db (PostgreSQL) is open to the world: 5432:5432',
        'warning database-public docker-compose-cornflow-celery.yml: redis (Redis) is open to the world: 6379:6379',
      ],
    ],
  ])('%s', async (_, mistakes, expected) => {
    expect((await foundIn('cornflow', ...mistakes)).toSorted()).toEqual(expected.toSorted())
  })
})
