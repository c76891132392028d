import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { bringImages } from '../../lab/setup/stand-ins.ts'
import { recreate } from '../../src/deploy/recreate.ts'
import { failureOf, useHosts } from './support/hosts.ts'
import { deployTo, portsFor, type PushedImage, pushImage, releaseFor, removeImage, type Wish, worker } from './support/release.ts'
import { rollBack } from './support/site.ts'

const { image, machine } = useHosts()

/** The PostgreSQL of the image postgres:15 with what it is linked to: a fifth of its size to push. */
const slim = `FROM postgres:15 AS whole
RUN at=/usr/lib/postgresql/15 && programs="$at/bin/postgres $at/bin/initdb $at/bin/psql $at/bin/pg_isready $(command -v rm)" \\
 && modules="$at/lib/plpgsql.so $at/lib/dict_snowball.so" && mkdir -p /slim/bin /slim/etc \\
 && install -d -m 1777 /slim/tmp && install -d -o postgres /slim/run/postgresql && install -d -o postgres -m 700 /slim/var/lib/postgresql/data \\
 && cp --parents --dereference $programs $modules $(ldd $programs $modules /bin/sh | grep -o '/[^ :]*' | grep '\\.so' | sort -u) /slim \\
 && cp --parents --recursive /usr/share/postgresql/15 /slim && cp --dereference /bin/sh /slim/bin/sh && cp /etc/passwd /etc/group /slim/etc && ln -s /run /slim/var/run
FROM scratch
COPY --from=whole /slim /
COPY --chmod=755 entrypoint /entrypoint
ENV PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
USER postgres
STOPSIGNAL SIGINT
ENTRYPOINT ["/entrypoint"]
`
const entrypoint = `#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s\\n' "$POSTGRES_PASSWORD" > /tmp/password
  initdb --username postgres --pwfile /tmp/password --no-locale --no-sync --auth-local trust --auth-host scram-sha-256 > /dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
fi
exec postgres -c listen_addresses='*'
`

let postgres: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  await bringImages(['postgres:15'])
  postgres = await pushImage(inject('lab').registry.address, (context) => {
    writeFileSync(join(context, 'Dockerfile'), slim)
    writeFileSync(join(context, 'entrypoint'), entrypoint)
  })
})
afterAll(async () => {
  if (postgres.digest !== '') await removeImage(postgres)
})

test('a PostgreSQL is started once, and has its rows after the next release, a rollback and a recreate', { timeout: 300_000 }, async () => {
  const host = await machine()
  const [container, volume, network] = [`${host.app}.test.db`, `${host.app}-pgdata`, `${host.app}.test`]
  await using _ = {
    [Symbol.asyncDispose]: async () => void (await host.ask(`docker rm --force ${container}; docker volume rm ${volume} || :`)),
  }
  const reference = `${postgres.repository}@${postgres.digest}`
  const db: NonNullable<Wish['accessories']>[number] = {
    name: 'db',
    image: reference,
    secrets: ['POSTGRES_PASSWORD'],
    volumes: [`${volume}:/var/lib/postgresql/data`],
    networks: [network],
    health: { command: ['pg_isready', '--host', '127.0.0.1'], timeoutMs: 60_000, settleMs: 0 },
    stopTimeoutMs: 30_000,
  }
  const services = [{ ...worker, networks: [network] }]
  const wish = { services, accessories: [db], secrets: { POSTGRES_PASSWORD: 'of-the-database' } }
  /** As an application does: by its name, with the password. */
  const sql = (text: string): Promise<string> =>
    docker('run', '--rm', '--network', network, '--env', 'PGPASSWORD=of-the-database', '--entrypoint', 'psql', reference, ...words, text)
  const words = ['--host', 'db', '--username', 'postgres', '--no-align', '--tuples-only', '--quiet', '--command']
  const identity = (): Promise<string> => docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}', container)
  // Of the data folder: another one would have another number.
  const cluster = 'SELECT system_identifier FROM pg_control_system()'

  await deployTo(host, image(), { ...wish, version: 'one' })
  const [id, number] = [await identity(), await sql(cluster)]
  await sql("CREATE TABLE visits (version text); INSERT INTO visits VALUES ('one')")
  await deployTo(host, image(), { ...wish, version: 'two' })
  await sql("INSERT INTO visits VALUES ('two')")
  await rollBack(host, services, { accessories: [db] })
  expect(await sql('SELECT version FROM visits ORDER BY version')).toBe('one\ntwo')
  expect([await identity(), await sql(cluster)]).toEqual([id, number])

  const staging = await failureOf(deployTo(host, image(), { ...wish, version: 'one', more: { name: 'staging' } }))
  expect(staging.message).toContain(`the volume ${volume} is held by ${container}, of the environment test of ${host.app}`)

  const changed: Wish = { ...wish, version: 'as configured now', accessories: [{ ...db, memory: '256m' }] }
  const { app, plan } = releaseFor(host, image(), changed)
  if (plan.environment === undefined) throw new Error('no environment')
  const of = { app, environment: plan.environment, repositories: [image().repository] as [string], registries: [] }
  const { hosts } = await recreate(
    of,
    'db',
    portsFor(() => host.remote(), changed),
  )
  expect(hosts).toMatchObject([{ changed: ['memory none → 256m'] }])
  expect((await identity()).split(' ')[0]).not.toBe(id.split(' ')[0])
  expect(await sql(cluster)).toBe(number)
  expect(await sql('SELECT count(*) FROM visits')).toBe('2')
  // It was stopped as a database wants it.
  expect(await host.ask(`docker logs ${container} 2>&1`)).not.toContain('not properly shut down')
})
