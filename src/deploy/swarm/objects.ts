import { createHash, createHmac } from 'node:crypto'
import { resolve } from 'node:path'
import { escapeText, fill } from '../../core/composed.ts'
import { LaunchwayError } from '../../core/error.ts'
import { mapTexts } from '../../core/objects.ts'
import type { Ports } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import type { Content, Stack } from '../../core/stack.ts'
import { missingSecrets, namedSecrets } from '../secrets.ts'

/** A config or a secret with its content, and the name that it has in the cluster. */
export interface SwarmObject {
  kind: 'config' | 'secret'
  /** As services of the project call it. */
  key: string
  name: string
  content: Secret
}

/** What `docker config create` takes. */
const mostLetters = 64
const digits = 12

/**
 * What services are given is named after its content: another content is another object, so that who has the old one keeps
 * it until it is replaced. The name of a secret is made with a salt that only the cluster has.
 */
function objectName(stack: string, key: string, content: Secret, salt: string | undefined): string {
  const body = content.reveal()
  const hash = salt === undefined ? createHash('sha256').update(body) : createHmac('sha256', salt).update(body)
  const plain = `${stack}_${key}`.replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, mostLetters - digits - 1)
  return `${plain}.${hash.digest('hex').slice(0, digits)}`
}

/**
 * The configs and secrets of a stack, with their values.
 * @throws LaunchwayError SECRET_MISSING with all that are not there
 */
export async function objectsOf(
  stack: Stack,
  of: { name: string; environment: string; salt: string; values: ReadonlyMap<string, Secret> },
  ports: Ports,
): Promise<SwarmObject[]> {
  const found: SwarmObject[] = []
  for (const [kind, list] of [['config', stack.configs] as const, ['secret', stack.secrets] as const]) {
    for (const [key, content] of Object.entries(list)) {
      const body = await bodyOf(content, of, ports)
      // A config that is made of a variable is as secret as that is.
      const salt = kind === 'secret' || content.kind === 'variable' || content.kind === 'file' ? of.salt : saltFor(content, of.salt)
      found.push({ kind, key, content: body, name: objectName(of.name, key, body, salt) })
    }
  }
  return found
}

function saltFor(content: Content, salt: string): string | undefined {
  return content.kind === 'text' && /\$\{\w+\}/.test(content.text) ? salt : undefined
}

async function bodyOf(
  content: Content,
  { environment, values }: { environment: string; values: ReadonlyMap<string, Secret> },
  ports: Ports,
): Promise<Secret> {
  if (content.kind === 'text') return new Secret(fillPlain(content.text, values))
  if (content.kind === 'variable') {
    const value = values.get(content.name)
    if (value === undefined) throw missingSecrets(environment, [content.name], [inFile])
    return value
  }
  const body = await ports.files.read(resolve(ports.root, content.path))
  if (body === undefined) {
    throw new LaunchwayError('SECRET_MISSING', `${environment} needs ${content.path}, which is not there`, {
      hint: `A secret of the compose files is read from it where the deploy runs. Write it in a step before:\n  - run: printf '%s' "$VALUE" > ${content.path}\n    env:\n      VALUE: \${{ secrets.VALUE }}`,
    })
  }
  return ports.conceal(body.toString())
}

/** The variables of a stack and its objects, from the environment of the step; all that are missing at once. */
export function valuesFor(stack: Pick<Stack, 'variables' | 'configs' | 'secrets'>, environment: string, ports: Ports): Map<string, Secret> {
  const named = [...Object.values(stack.configs), ...Object.values(stack.secrets)].flatMap((one) =>
    one.kind === 'variable' ? [one.name] : [],
  )
  return valuesNamed([...stack.variables, ...named], environment, ports)
}

/** @throws LaunchwayError SECRET_MISSING */
export function valuesNamed(names: readonly string[], environment: string, ports: Ports): Map<string, Secret> {
  return namedSecrets(names, environment, ports, [inFile])
}

const inFile = 'What is no secret can stand in launchway.yml: swarm: { files: …, env: { NAME: value } }'

/** A text with its variables, as it shall be read by nobody else: `$$` is one dollar sign now. */
function fillPlain(text: string, values: ReadonlyMap<string, Secret>): string {
  return fill(text, (name) => values.get(name)?.reveal() ?? '')
}

/** The same for what `docker stack deploy` reads once more: every dollar sign stands twice. */
export function fillStack(value: unknown, values: ReadonlyMap<string, Secret>): unknown {
  return mapTexts(value, (text) => escapeText(fillPlain(text, values)))
}
