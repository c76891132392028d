import { fill, namesIn } from '../core/composed.ts'
import type { Accessory, Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { Secret } from '../core/secret.ts'
import { refusedSecret } from '../core/secret-names.ts'
import { tarOf } from '../tools/tar.ts'
import type { OwnSecrets } from './env-files.ts'
import type { Parcel } from './program.ts'

/** By service or accessory: its texts, in their order, with their secrets filled in. */
export type Texts = ReadonlyMap<string, readonly { mode: number; uid: number; gid: number; body: Secret }[]>

type Owner = Service | Accessory

/** The secrets by name of which variables and texts are made. */
export function composedNames(owners: readonly Owner[]): string[] {
  const texts = owners.flatMap(({ composed = {}, texts = [] }) => [...Object.values(composed), ...texts.map(({ text }) => text)])
  return [...new Set(texts.flatMap(namesIn))]
}

/**
 * An environment whose composed variables are among the secrets of each service, their values among its own. They win
 * over what an env file says. One of which a part is not known has no value.
 * @param conceal masks a value from now on
 */
export function withComposed(
  { environment, own }: { environment: Environment; own: OwnSecrets },
  secret: (name: string) => Secret | undefined,
  conceal: (value: string) => Secret,
): { environment: Environment; own: OwnSecrets } {
  const all = new Map([...own].map(([name, values]) => [name, new Map(values)]))
  const named = <T extends Owner>(of: T): T => {
    const values = Object.entries(of.composed ?? {})
    if (values.length === 0) return of
    const mine = all.get(of.name) ?? new Map<string, Secret>()
    all.set(of.name, mine)
    for (const [name, text] of values) {
      const reason = refusedSecret(name)
      if (reason !== undefined)
        throw new LaunchwayError('CONFIG_INVALID', `${of.name}: the variable ${name} cannot hold a secret`, { hint: reason })
      mine.delete(name)
      if (namesIn(text).every((one) => secret(one) !== undefined)) mine.set(name, conceal(filled(text, secret)))
    }
    return { ...of, secrets: [...new Set([...of.secrets, ...values.map(([name]) => name)])] }
  }
  const { services, accessories } = environment
  return { environment: { ...environment, services: services.map(named), accessories: accessories.map(named) }, own: all }
}

/** What is written to hosts of the texts. @throws LaunchwayError RECORD_INVALID */
export function writtenTexts(owners: readonly Owner[], secret: (name: string) => Secret | undefined): Texts {
  return new Map(
    owners.flatMap(({ name, texts = [] }) =>
      texts.length === 0
        ? []
        : [
            [
              name,
              texts.map(({ target, text, mode, uid, gid }) => ({
                mode: Number.parseInt(mode, 8),
                uid: idOf(uid, `${name}: ${target}`),
                gid: idOf(gid, `${name}: ${target}`),
                // Its secrets are masked one by one: the rest of it may be anybody's words.
                body: new Secret(filled(text, secret)),
              })),
            ] as const,
          ],
    ),
  )
}

/** What travels of texts: those of all services together, those of each accessory. */
export function textParcels({ services, accessories }: Pick<Environment, 'services' | 'accessories'>, texts: Texts): Parcel[] {
  const parcel = (name: Parcel['name'], owners: readonly Owner[]): Parcel[] => {
    const body = archiveOf(
      texts,
      owners.map((one) => one.name),
    )
    return body === undefined ? [] : [{ name, mode: '0600', body }]
  }
  return [...parcel('texts', services), ...accessories.flatMap((one) => parcel(`texts.${one.name}`, [one]))]
}

/**
 * The archive as a text of its own: `<owner>.<number>` each, in no folder: that would be the engine's, and the account could not remove it.
 * @param names whose
 */
function archiveOf(texts: Texts, names: readonly string[]): Secret | undefined {
  const entries = names.flatMap((name) => {
    const own = texts.get(name) ?? []
    return own.map(({ body, ...of }, index) => ({
      name: `${name}.${index}`,
      kind: 'file' as const,
      ...of,
      body: Buffer.from(body.reveal()),
    }))
  })
  if (entries.length === 0) return undefined
  const lines = tarOf(entries)
    .toString('base64')
    .match(/.{1,76}/g)
  return new Secret(`${(lines ?? []).join('\n')}\n`)
}

function filled(text: string, secret: (name: string) => Secret | undefined): string {
  return fill(text, (name) => secret(name)?.reveal() ?? '')
}

function idOf(id: string | undefined, what: string): number {
  if (id === undefined) return 0
  if (/^\d{1,10}$/.test(id)) return Number(id)
  throw new LaunchwayError('RECORD_INVALID', `${what}: ${id} is no user or group that a file can be given to`, {
    hint: 'Write its number: names are known within the image alone.',
  })
}
