import type { ComposeService, ComposeSource } from '../compose-source.ts'
import type { Found, Rule } from '../finding.ts'
import { fullName } from '../../core/reference.ts'
import { bindPath, type Sources } from '../sources.ts'
import { dataFolderOf, isKeptIn } from '../../tools/data-folders.ts'
import { isFloating, storeAt } from '../values.ts'

/** Of the files that are not for developers alone: each service, and the file that it is in. */
function each(sources: Sources, find: (service: ComposeService, source: ComposeSource) => Found[]): Found[] {
  return sources.compose
    .filter(({ isDevelopment }) => !isDevelopment)
    .flatMap((source) => source.services.flatMap((service) => find(service, source)))
}

const fixHost = 'Take it out, so that the stack alone reaches it; or have it listen on 127.0.0.1 alone.'

export const composeRules: readonly Rule<Sources>[] = [
  {
    id: 'compose-file-missing',
    topic: 'compose',
    severity: 'error',
    looks: 'compose files that launchway.yml names and that are not there: of the smoke test, of environments, of stacks',
    why: 'Compose reads nothing then: no stack is tested, and none deployed.',
    fix: 'Commit the file, or name the right one; a path begins at the root of the repository.',
    find: ({ missing }) => missing.map(({ file, where }) => ({ where, what: `there is no ${file}` })),
  },
  {
    id: 'container-name',
    topic: 'compose',
    severity: 'warning',
    looks: 'container_name in compose files that are not for developers',
    why: 'The name may exist once on a machine: a second stack, another project with a "web", or the new version beside the old one cannot start.',
    fix: 'Take it out, or into a file for developers: services reach each other by the names of the services.',
    find: (sources) =>
      each(sources, ({ containerName, at }) =>
        containerName === undefined || containerName.includes('$')
          ? []
          : [{ where: at('container_name'), what: `container_name: ${containerName}` }],
      ),
  },
  {
    id: 'database-public',
    topic: 'compose',
    severity: 'warning',
    looks: 'databases and queues that are published beyond the loopback, at whatever port, or are in the network of the host',
    why: 'Docker opens the port to the whole world, past ufw and firewalld. Services of the stack reach it without.',
    fix: 'Take the port out, or publish it on the loopback: 127.0.0.1:5432:5432.',
    find: (sources) => [
      ...each(sources, ({ ports, image, name, networkMode, at: place }): Found[] => {
        const own = networkMode === 'host' ? storeAt(undefined, image) : undefined
        if (own !== undefined) {
          const what = `${name} (${own}) listens on the addresses of the host: network_mode: host`
          return [{ where: place('network_mode'), what, fix: fixHost }]
        }
        return ports.flatMap(({ text, target, published, isPublic, at }) => {
          const store = isPublic ? storeAt(target, image) : undefined
          const which = /^\d+$/.test(text) && published === undefined ? `${text}, at a port that the engine chooses` : text
          return store === undefined ? [] : [{ where: at, what: `${name} (${store}) is open to the world: ${which}` }]
        })
      }),
      ...sources.environments.flatMap((environment) =>
        environment.accessories.flatMap(({ name, image, port, publish, networks }): Found[] => {
          const own = networks.includes('host') ? storeAt(port, image) : undefined
          if (own !== undefined) {
            const place = sources.at(['environments', environment.name, 'accessories', name, 'networks'], true)
            return [{ where: place, what: `${name} (${own}) listens on the addresses of the host: networks: [host]`, fix: fixHost }]
          }
          const store = publish === undefined || /^(127\.|\[::1\])/.test(publish) ? undefined : storeAt(port, image)
          const where = sources.at(['environments', environment.name, 'accessories', name, 'publish'], true)
          return store === undefined ? [] : [{ where, what: `${name} (${store}) is open to the world: publish: ${publish}` }]
        }),
      ),
    ],
  },
  {
    id: 'data-unnamed',
    topic: 'compose',
    severity: 'warning',
    looks:
      'databases of compose files that are deployed, and accessories of launchway.yml, with data in no volume that has a name, and in no folder of the host',
    why: 'The data is in a volume of that one container: it is gone with `docker compose down`, and whatever replaces the container (a release, `launchway recreate`) begins with an empty database.',
    fix: 'Name a volume where the image keeps its data: volumes: ["data:/var/lib/postgresql/data"].',
    find: (sources) => [
      ...each(sources, ({ name, image = '', at }, { isDeployed }) => {
        const folder = dataFolderOf(image)
        if (folder === undefined || !isDeployed) return []
        // Another file of the project may say it.
        const all = sources.compose.flatMap(({ services }) => services.filter((one) => one.name === name))
        const isKept = all.some(({ keeps }) => keeps.some((target) => isKeptIn(folder, target)))
        // It keeps them in a folder of its own choice, which a volume may well be for.
        const isElsewhere = all.some(({ environment }) => environment.some((one) => one.name === 'PGDATA'))
        if (isKept || isElsewhere) return []
        return [{ where: at('image'), what: `${name} (${image}) keeps its data in no volume that has a name` }]
      }),
      ...sources.environments.flatMap((environment) =>
        environment.accessories.flatMap(({ name, image, volumes, env, options }): Found[] => {
          const folder = dataFolderOf(image)
          if (folder === undefined || env['PGDATA'] !== undefined) return []
          const kept = volumes.map((volume) => volume.split(':')[1] ?? '')
          if (kept.some((target) => isKeptIn(folder, target)) || options.some((word) => word.includes(folder))) return []
          return [
            {
              where: sources.at(['environments', environment.name, 'accessories', name, 'image'], true),
              what: `${name} (${image}) keeps its data in no volume that has a name`,
              fix: `Name a volume where the image keeps its data: volumes: ["${sources.app}-${name}:${folder}"].`,
            },
          ]
        }),
      ),
    ],
  },
  {
    id: 'mount-missing',
    topic: 'compose',
    severity: 'error',
    looks:
      'bind mounts of files and folders that are not in the repository; configs and secrets of compose files that are read from a file that is not there',
    why: 'Docker makes an empty folder of root in its place: a configuration file that is a folder stops the program, and an empty folder looks like lost data.',
    fix: 'Commit what is mounted, or mount a named volume.',
    find: (sources) =>
      sources.compose.flatMap((source) => [
        ...source.given.flatMap(({ kind, name, file, at }): Found[] => {
          const path = bindPath(source, file)
          if (sources.paths.get(path) !== undefined) return []
          const what = `the ${kind} ${name} is read from ${path}, which is not there`
          // What is secret may well be written by a step before.
          return kind === 'config'
            ? [{ where: at, what, fix: 'Commit the file.' }]
            : [
                {
                  where: at,
                  what,
                  severity: 'warning',
                  fix: `Write the file in a step before; or take it from a variable: secrets: { ${name}: { environment: NAME } }.`,
                },
              ]
        }),
        ...source.services.flatMap(({ binds }) =>
          binds.flatMap(({ source: bind, at }) => {
            const path = bindPath(source, bind)
            // A folder may well begin empty, such as that of a database.
            const severity = /\.\w+$/.test(path) ? 'error' : 'warning'
            return sources.paths.get(path) === undefined
              ? [{ where: at, what: `${path} is mounted and is not there`, severity } as const]
              : []
          }),
        ),
      ]),
  },
  {
    id: 'mount-unreadable',
    topic: 'compose',
    severity: 'warning',
    looks: 'bind mounts that the user of the container cannot read by their modes',
    why: 'A container keeps to the numbers of users and the modes of the host: as another user than the owner it gets "permission denied".',
    fix: 'chmod o+r a file, o+rx a folder; a key that nobody may read goes in as a secret.',
    find: (sources) =>
      sources.compose.flatMap((source) =>
        source.services.flatMap(({ binds, user = 'root' }) =>
          binds.flatMap(({ source: bind, at }): Found[] => {
            const path = bindPath(source, bind)
            const found = sources.paths.get(path)
            const needed = found?.kind === 'directory' ? 0o005 : 0o004
            if (found === undefined || found.kind === 'other' || /^(root|0)(:|$)/.test(user) || (found.mode & needed) === needed) return []
            const what = `${path} has mode ${found.mode.toString(8)}, and the container runs as ${user}`
            // A key that others may not read is as its owner wants it.
            return [
              { where: at, what, ...(/key|secret|\.pem$/i.test(path) ? {} : { mend: { kind: 'mode', file: path, add: needed } as const }) },
            ]
          }),
        ),
      ),
  },
  {
    id: 'image-floating',
    topic: 'compose',
    severity: 'hint',
    looks: 'images without a tag, or with :latest, beside your own',
    why: 'The day decides which version starts: a new major version of a database does not read the files of the old one.',
    fix: 'Name a version, such as postgres:15.',
    find: (sources) => {
      const own = new Set(sources.images.flatMap(({ image }) => image.repositories).map(fullName))
      // Of whichever file: one may say how it is built, and another one run it.
      const built = new Set(
        sources.compose.flatMap(({ services }) => services.flatMap(({ image, at }) => (image !== undefined && isBuilt(at) ? [image] : []))),
      )
      return [
        ...each(sources, ({ image, at }) => {
          if (image === undefined || image.includes('$') || !isFloating(image)) return []
          const bare = image.replace(/:latest$/, '')
          if (own.has(fullName(bare)) || isBuilt(at) || built.has(image)) return []
          return [{ where: at('image'), what: `${image} is whatever is newest` }]
        }),
        ...sources.environments.flatMap((environment) =>
          environment.accessories.flatMap(({ name, image }): Found[] =>
            isFloating(image)
              ? [
                  {
                    where: sources.at(['environments', environment.name, 'accessories', name, 'image'], true),
                    what: `the accessory ${name} is whatever ${image} is when it is recreated`,
                    severity: 'warning',
                  },
                ]
              : [],
          ),
        ),
      ]
    },
  },
]

/** Whether a service has the key `build`: else the place of it is that of the service. */
function isBuilt(at: ComposeService['at']): boolean {
  const [key, service] = [at('build'), at()]
  return key.line !== service.line || key.column !== service.column
}
