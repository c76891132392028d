import { parseTagRule, type TagRule } from '../../config/image-tags.ts'
import { tagEntries } from '../../config/tag-entry.ts'
import type { Service } from '../../core/deployment.ts'
import { hasLogin, looksSecret } from '../../core/secret-names.ts'
import type { Found, Rule } from '../finding.ts'
import { type Sources, startedIn } from '../sources.ts'
import { durationMs } from '../../tools/compose.ts'
import type { Step } from '../../tools/dockerfile.ts'
import { showMs } from '../../core/units.ts'
import type { ImageSource } from '../image-source.ts'
import { knownPassword } from '../passwords.ts'
import { isPlace } from '../values.ts'

export const configurationRules: readonly Rule<Sources>[] = [
  {
    id: 'secret-in-configuration',
    topic: 'configuration',
    severity: 'error',
    looks: 'passwords and keys written into launchway.yml, where env and args stand, also in an address (postgres://shop:…@db/shop)',
    why: 'The file is in git, and env is readable in the record and in docker inspect for whoever gets to see one of them.',
    fix: 'Name it in `secrets:` and give the value in the environment of the step; change it if it was pushed.',
    find: (sources) => [
      ...sources.environments.flatMap((environment) => {
        const said = sources.config.environments?.[environment.name]
        const isInline = said?.services === undefined
        const owners = [
          ...environment.services.map(({ name, env }) => ({ env, path: isInline ? [] : ['services', name] })),
          ...environment.accessories.map(({ name, env }) => ({ env, path: ['accessories', name] })),
        ]
        return owners.flatMap(({ env, path }) =>
          Object.entries(env).flatMap(([name, value]): Found[] => {
            const isSecret =
              (looksSecret(name) && value !== '' && !isPlace(name, value)) || knownPassword(name, value) !== undefined || hasPassword(value)
            const where = sources.at(['environments', environment.name, ...path, 'env', name], true)
            return isSecret ? [{ where, what: `${name} stands here in plain text` }] : []
          }),
        )
      }),
      ...sources.images.flatMap(({ image }) =>
        Object.entries(image.args).flatMap(([name, value]): Found[] =>
          (looksSecret(name) && value !== '' && !isPlace(name, value)) || hasPassword(value)
            ? [
                {
                  where: sources.at(['images', image.name, 'args', name], true),
                  what: `${name} stays readable in the image`,
                  fix: 'Do not build it in: give it with `secrets:` when it is deployed.',
                },
              ]
            : [],
        ),
      ),
    ],
  },
  {
    id: 'health-missing',
    topic: 'configuration',
    severity: 'warning',
    looks: 'services that visitors reach, without a health path and without a HEALTHCHECK in their image',
    why: 'A version that starts and answers every request with an error counts as well after a second, and takes over.',
    fix: 'Give the path that answers 2xx when it works: health: /healthz',
    find: (sources) =>
      startedIn(sources).flatMap(({ service, image, at }) => {
        const isReached = service.nginx !== undefined || service.publish !== undefined
        const hasCheck = (image.dockerfile?.steps ?? []).some(({ word, ships }) => ships && word === 'HEALTHCHECK')
        if (!isReached || service.health.kind !== 'container' || hasCheck || image.dockerfile === undefined) return []
        return [{ where: at(), what: `nobody asks ${service.name} whether it works` }]
      }),
  },
  {
    id: 'health-of-another',
    topic: 'configuration',
    severity: 'warning',
    looks: 'services without a port, of an image whose HEALTHCHECK asks for something at an address of the container',
    why: 'A worker has the HEALTHCHECK of the image that it shares with the web: it asks a port at which nothing listens, and the deploy is undone.',
    fix: 'Say that there is no check (health: none), or give one of its own: health: { command: [...] }',
    find: (sources) =>
      startedIn(sources).flatMap(({ service, image, at }) => {
        const check = healthcheckOf(image)
        const hasOwn = service.health.kind !== 'container' || service.cron !== undefined || hasOptions(service)
        if (check === undefined || hasOwn || service.port !== undefined || !/https?:\/\/|\bcurl\b|\bwget\b|\bnc\b/.test(check.rest))
          return []
        return [{ where: at(), what: `${service.name} has no port, and the HEALTHCHECK of its image asks one: ${oneLine(check.rest)}` }]
      }),
  },
  {
    id: 'health-late',
    topic: 'configuration',
    severity: 'warning',
    looks: 'a HEALTHCHECK whose interval is as long as a deploy waits for it',
    why: 'The engine asks for the first time when one interval is over: the deploy is undone before that.',
    fix: 'Have the deploy wait longer, health: { timeout: 3m }, or ask more often: options: ["--health-interval=5s"]',
    find: (sources) =>
      startedIn(sources).flatMap(({ service, image, at }): Found[] => {
        const check = healthcheckOf(image)
        const [, said] = /--interval=(\S+)/.exec(check?.rest ?? '') ?? []
        if (said === undefined || service.health.kind !== 'container' || service.cron !== undefined || hasOptions(service)) return []
        if (durationMs(said) < service.health.timeoutMs) return []
        return [
          { where: at(), what: `${service.name} is asked every ${said}, and the deploy waits for ${showMs(service.health.timeoutMs)}` },
        ]
      }),
  },
  {
    id: 'tag-floating',
    topic: 'configuration',
    severity: 'warning',
    looks: 'image tags of which every release moves all, such as latest alone',
    why: 'No tag then says which version is which: nobody can name the one before, and `redeploy` finds it by its digest alone.',
    fix: 'Add one of each commit: image-tags: ["type=ref,event=branch", "type=sha"]',
    find: ({ config, at }) => {
      const rules = tagEntries(config['image-tags'] ?? [])
        .map(({ entry }) => parseTagRule(entry))
        .filter((rule) => typeof rule !== 'string')
        .filter(({ enable }) => enable !== 'false')
      const moves = rules.map(fixedTag)
      // What stands before or after all tags may tell them apart.
      const isTold = tagEntries(config.flavor ?? []).some(({ entry }) => entry.includes('{{'))
      if (moves.length === 0 || moves.includes(undefined) || isTold) return []
      return [{ where: at(['image-tags'], true), what: `every release is pushed as ${moves.join(', ')} and nothing else` }]
    },
  },
]

/** The last one counts. */
function healthcheckOf({ dockerfile }: ImageSource): Step | undefined {
  const last = dockerfile?.steps.findLast(({ word, ships }) => ships && word === 'HEALTHCHECK')
  return last === undefined || /^NONE\b/i.test(last.rest) ? undefined : last
}

/** They say otherwise what is asked, or how often. */
function hasOptions({ options }: Service): boolean {
  return options.some((word) => word.startsWith('--health-') || word === '--no-healthcheck')
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}

/** In an address; what the program fills in by itself is none: `postgres://shop:$PASSWORD@db`. */
function hasPassword(value: string): boolean {
  return hasLogin(value.replaceAll(/:[$<{%][^/@\s]*@/g, '@'))
}

/** The tag of a rule that makes the same of every release; undefined of any other rule. */
function fixedTag(rule: TagRule): string | undefined {
  if (rule.type !== 'raw') return undefined
  const parts = [rule.prefix ?? [], rule.value, rule.suffix ?? []].flat()
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined
}
