import { z } from 'zod'
import { LaunchwayError } from '../../core/error.ts'
import { parseJson } from '../../core/json.ts'
import type { Credentials } from '../../core/ports.ts'
import { Status } from '../../core/registry-refusal.ts'
import type { Challenge } from './challenge.ts'
import { quote } from './failures.ts'
import type { Request, Response } from './http.ts'

/** Some token servers use the one name, some the other. */
const TokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() })

/** Statuses by which a token server refuses a refresh token, or says that it knows none. */
const refusals: readonly number[] = [400, 401, 403, 404, 405]

/**
 * What a token server is asked: with a name and a password, or with none; with docker's identity token, which it exchanges, by the other
 * of the two ways.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export function tokenQuestion(
  { realm, service }: Extract<Challenge, { scheme: 'bearer' }>,
  scope: string,
  login: Credentials | undefined,
): Request {
  const url = new URL(realm)
  if (login?.isIdentity === true) {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'launchway', scope, refresh_token: login.password.reveal() })
    if (service !== undefined) form.set('service', service)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', path: url.href, headers, body: Buffer.from(form.toString()), accept: [200, ...refusals] }
  }
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.delete('scope')
  for (const one of scope.split(' ')) url.searchParams.append('scope', one)
  return { method: 'GET', path: url.href, accept: [200] }
}

/** @throws LaunchwayError REGISTRY_DENIED where an identity token is not taken */
export function tokenIn(host: string, response: Response): string | undefined {
  if (response.status !== 200) {
    throw new LaunchwayError('REGISTRY_DENIED', `${host} does not take the identity token that docker has for it (${response.status})`, {
      cause: new Status(response.status),
      hint: `${quote(response)}\nSuch a token ends, that of Azure after three hours: log in again (az acr login, docker login ${host}), or give a username and a password (registries: in launchway.yml).`.trim(),
    })
  }
  const body = parseJson(response.body.toString(), TokenAnswer)
  const token = body?.token ?? body?.access_token
  return token === '' ? undefined : token
}
