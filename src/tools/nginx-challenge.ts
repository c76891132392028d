import { challengeFolder, challengePath } from './certbot.ts'
import { block, file, listenOn } from './nginx-text.ts'

/** What nginx reads so that a certificate authority finds what it asks for. */

/** For the authority, whoever else may come in: during maintenance, past a guard of the user's, and never from the application. */
export function challengeLocation(): string[] {
  return block(`location ^~ ${challengePath}`, [`root ${challengeFolder};`, 'default_type text/plain;', 'auth_basic off;', 'allow all;'])
}

/** A server for names that no server of launchway has yet, while a certificate for them is asked for. */
export function challengeServerText(names: readonly string[], ipv6: boolean): string {
  return file([
    '# Written by launchway: while a certificate is asked for.',
    ...block('server', [...listenOn('80', ipv6), `server_name ${names.join(' ')};`, ...challengeLocation(), 'location / { return 404; }']),
  ])
}

/** The same for a server of launchway that is there already, and has never asked for one: in the folder that it includes. */
export function challengeText(): string {
  return file(['# Written by launchway: while a certificate is asked for.', ...challengeLocation()])
}
