import { basename, normalize } from 'node:path'
import type { Accessory } from '../../core/deployment.ts'
import type { ComposeSource } from '../compose-source.ts'
import { envFilePath } from '../env-files.ts'
import type { Found, Rule, Where } from '../finding.ts'
import { knownArgument, knownPassword, letsIn, namesOf } from '../passwords.ts'
import type { Sources } from '../sources.ts'

export const passwordRules: readonly Rule<Sources>[] = [
  {
    id: 'default-password',
    topic: 'compose',
    severity: 'warning',
    looks:
      'passwords that everybody knows (admin, postgres, changeme, password123) or can read off (the name of the user, of the service), also as the default of a variable, in an env_file or on a command line; databases that ask nobody for one',
    why: 'They are the first that is tried. Where a database is made with one, it keeps it when the file is changed later.',
    fix: 'Ask for it without a default: ${NAME:?}; a value for the smoke test alone goes into smoke.env.',
    find: (sources) => [
      ...sources.compose.filter(({ isDevelopment }) => !isDevelopment).flatMap((source) => ofFile(source, sources)),
      ...sources.environments.flatMap((environment) => [
        ...environment.accessories.flatMap((one) => ofAccessory(one, ['environments', environment.name, 'accessories', one.name], sources)),
        ...environment.services.flatMap(({ name, envFiles }) => ofFiles(envFiles, new Set([name, sources.app]), sources)),
      ]),
    ],
  },
]

interface Said {
  name: string
  value: string
  at: Where
}

function ofFile(source: ComposeSource, sources: Sources): Found[] {
  const filesOf = (files: readonly string[]): Said[] => files.flatMap((file) => sources.envFiles.get(envFilePath(source, file)) ?? [])
  const said = source.services.map(({ environment, envFiles }) => [...environment, ...filesOf(envFiles)])
  // Who is who in a stack stands in all of its services.
  const names = new Set([
    sources.app.toLowerCase(),
    ...source.services.flatMap(({ name, image }) => [name.toLowerCase(), ...productOf(image)]),
    ...namesOf(said.flat()),
  ])
  return source.services.flatMap(({ command, at }, index) => {
    const argument = knownArgument(command, names)
    const inCommand =
      argument === undefined ? [] : [{ where: at('command'), what: `the password "${argument}" stands on its command line` }]
    return [...ofVariables(said[index] ?? [], names), ...inCommand]
  })
}

/** What stands in launchway.yml itself in plain text is told of as such. */
function ofAccessory({ name, image, env, command = [], envFiles }: Accessory, path: readonly string[], sources: Sources): Found[] {
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value, at: sources.at([...path, 'env', key], true) }))
  const names = new Set([name, sources.app, ...productOf(image), ...namesOf(variables)])
  const argument = knownArgument(command, names)
  return [
    ...variables.flatMap(open),
    ...(argument === undefined
      ? []
      : [{ where: sources.at([...path, 'command'], true), what: `the password "${argument}" stands on its command line` }]),
    ...ofFiles(envFiles, names, sources),
  ]
}

function ofFiles(envFiles: readonly string[], names: ReadonlySet<string>, sources: Sources): Found[] {
  const said = envFiles.flatMap((file) => sources.envFiles.get(normalize(file)) ?? [])
  return ofVariables(said, new Set([...names, ...namesOf(said)]))
}

function ofVariables(said: readonly Said[], names: ReadonlySet<string>): Found[] {
  return said.flatMap((one) => {
    const password = knownPassword(one.name, one.value, names)
    return password === undefined ? open(one) : [{ where: one.at, what: `${one.name} is "${password}" unless somebody changes it` }]
  })
}

function open({ name, value, at }: Said): Found[] {
  const fix = 'Take it out, and give the database a password: ${NAME:?}.'
  return letsIn(name, value) ? [{ where: at, what: `nobody is asked for a password: ${name} is ${value}`, fix }] : []
}

/** `docker.io/bitnami/redis:7` is redis. */
function productOf(image: string | undefined): string[] {
  const name = basename(image ?? '').replace(/[:@].*$/, '')
  return name === '' ? [] : [name.toLowerCase()]
}
