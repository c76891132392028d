import { placeIn } from '../nginx-conf.ts'
import type { ComposeService, ComposeSource } from '../compose-source.ts'
import type { Found, Rule, Where } from '../finding.ts'
import type { ImageSource } from '../image-source.ts'
import { bindPath, imageOf, plainPath, type Sources, stacksOf } from '../sources.ts'

/** What containers of a stack meet inside of themselves: users, rights, ports, and what hides their files. */

interface Member {
  service: ComposeService
  source: ComposeSource
  /** Of the repository, where it is built here. */
  image: ImageSource | undefined
}

/** Services of files that are not for developers alone. */
function members({ compose, images }: Sources): Member[] {
  return compose
    .filter(({ isDevelopment }) => !isDevelopment)
    .flatMap((source) =>
      source.services.map((service) => ({
        service,
        source,
        image: service.context === undefined ? undefined : imageOf(service, source, images),
      })),
    )
}

/** The image that its container is made of in the end: of others, or what its Dockerfile begins with. */
function baseOf({ service, image }: Member): string {
  const from = image?.dockerfile?.steps.findLast(({ word }) => word === 'FROM')?.rest
  return (from ?? service.image ?? '').replace(/^--platform=\S+\s+/, '').split(/\s/)[0] ?? ''
}

/** Of images that begin as root and hand over to a user of their own. */
const becomesAnother = /(?:^|\/)(nginx|redis|valkey|postgres|postgis|mysql|mariadb|mongo|rabbitmq|memcached|httpd)(?:[:@]|$)/

function userOf({ service, image }: Member): string {
  const written = image?.dockerfile?.steps.findLast(({ word, ships }) => word === 'USER' && ships)?.rest
  return service.user ?? written ?? 'root'
}

const isRoot = (user: string): boolean => /^(root|0)(:|$)/.test(user)

export const insideRules: readonly Rule<Sources>[] = [
  {
    id: 'capabilities-dropped',
    topic: 'compose',
    severity: 'error',
    looks: 'cap_drop: [ALL] of services that begin as root and then become another user: nginx, databases, uWSGI with --uid',
    why: 'Without a capability root is not allowed to become anybody: "setgid(): Operation not permitted", and the container ends.',
    fix: 'Let it begin as the user that it shall be: user: "1000:1000"; or give back what it needs: cap_add: [SETUID, SETGID].',
    find: (sources) =>
      members(sources).flatMap((member): Found[] => {
        const { service } = member
        const drops = service.capDrop.some((one) => one.toUpperCase() === 'ALL')
        const [, name] = becomesAnother.exec(baseOf(member)) ?? []
        const how = name ?? (/\buwsgi\b.*\s--(uid|gid)\b/.test(service.command.join(' ')) ? 'uWSGI' : undefined)
        if (!drops || how === undefined || !isRoot(userOf(member))) return []
        return [
          { where: service.at('cap_drop'), what: `${service.name} begins as root without any right, and ${how} becomes another user` },
        ]
      }),
  },
  {
    id: 'group-missing',
    topic: 'compose',
    severity: 'error',
    looks: 'nginx that runs as a user of the host and is not in the group of its own image',
    why: 'nginx writes what it buffers into /var/cache/nginx, which is for its own user and group: "mkdir() failed (13: Permission denied)", and the container ends.',
    fix: 'group_add: [nginx], and in its Dockerfile: RUN chgrp nginx /var/cache/nginx && chmod g+w /var/cache/nginx',
    find: (sources) =>
      members(sources).flatMap((member): Found[] => {
        const { service } = member
        const user = userOf(member)
        const isOwn = /^(nginx|101)(:|$)|:(nginx|101)$/.test(user) || service.groupAdd.some((group) => /^(nginx|101)$/.test(group))
        if (!/(?:^|\/)nginx(?:[:@]|$)/.test(baseOf(member)) || isRoot(user) || isOwn) return []
        return [{ where: service.at('user'), what: `${service.name} runs nginx as ${user}, who is not in the group nginx` }]
      }),
  },
  {
    id: 'port-outside',
    topic: 'compose',
    severity: 'error',
    looks: 'ports of the host where those inside of the stack are meant: proxy_pass of an nginx that is mounted, checks of the smoke test',
    why: 'Containers reach each other at the ports on which they listen. What is published is a way in from outside alone: "connection refused".',
    fix: 'Name the port inside: of ports: ["60037:8080"] the second.',
    find: (sources) =>
      asked(sources).flatMap(({ where, name, port, by }) =>
        outside(sources, name, port).map((inside) => ({
          where,
          what: `${by} asks ${name}:${port}, which is its port outside; inside it is ${inside}`,
        })),
      ),
  },
  {
    id: 'port-unheard',
    topic: 'compose',
    severity: 'error',
    looks: 'published ports that lead to a port on which the nginx of a mounted configuration does not listen',
    why: 'The port of the host is open, and nobody answers there: "connection reset by peer".',
    fix: 'Let both say the same: listen 8080; in the configuration, and ports: ["60037:8080"].',
    find: (sources) =>
      members(sources).flatMap(({ service, source }): Found[] => {
        const confs = service.binds.flatMap((bind) => {
          const conf = sources.confs.get(bindPath(source, bind.source))
          return conf === undefined || !/\/nginx\/(nginx\.conf$|conf\.d\/)/.test(bind.target) ? [] : [{ conf, ...bind }]
        })
        const listens = confs.flatMap(({ conf }) => conf.listens)
        if (listens.length === 0) return []
        // The one that the image brings is still there beside a file of another name.
        const isAlone = confs.some(({ target }) => /\/(nginx|conf\.d\/default)\.conf$/.test(target))
        const heard = new Set([...listens, ...(isAlone ? [] : [80])])
        return service.ports.flatMap(({ text, target, at }) =>
          heard.has(target) ? [] : [{ where: at, what: `${text} leads to ${target}, and nginx listens on ${listens.join(', ')}` }],
        )
      }),
  },
  {
    id: 'sources-mounted',
    topic: 'compose',
    severity: 'warning',
    looks: 'the folder that an image is built from, mounted over what was built, in files that are not for developers',
    why: 'What runs is then what lies in the folder, and neither what was tested nor what was scanned; a rollback brings nothing back.',
    fix: 'Take it out, or into a file for developers, such as docker-compose-development.yml.',
    find: (sources) =>
      members(sources).flatMap(({ service, source }) =>
        service.binds.flatMap(({ source: bind, at }): Found[] => {
          const path = plainPath(bindPath(source, bind))
          const isBuilt = sources.images.some(({ image }) => plainPath(image.context) === path)
          return isBuilt
            ? [{ where: at, what: `${service.name} mounts ${path === '.' ? 'the repository' : path}, from which its image is built` }]
            : []
        }),
      ),
  },
]

/** Where a service and a port of it are named by others of the stack. */
function asked(sources: Sources): { where: Where; name: string; port: number; by: string }[] {
  const byConfs = [...sources.confs].flatMap(([path, { text, passes }]) =>
    passes.map(({ name, port, index }) => ({ where: placeIn(text, path, index), name, port, by: 'nginx' })),
  )
  const byChecks = stacksOf(sources.smoke).flatMap(({ checks }) =>
    checks.flatMap((check, index) =>
      check.kind === 'http' || check.kind === 'tcp'
        ? [{ where: sources.at(['smoke', 'checks', index]), name: check.service, port: check.port, by: `the check "${check.name}"` }]
        : [],
    ),
  )
  return [...byConfs, ...byChecks]
}

/** The ports inside of a service, where the one that is named is one outside. */
function outside(sources: Sources, name: string, port: number): string[] {
  const ports = sources.compose.flatMap(({ services }) => services.filter((one) => one.name === name).flatMap((one) => one.ports))
  const inside = ports.filter(({ published }) => published === port).map(({ target }) => target)
  return inside.length === 0 || ports.some(({ target }) => target === port) ? [] : [[...new Set(inside)].join(', ')]
}
