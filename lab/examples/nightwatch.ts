import { dirname, join } from 'node:path'
import { z } from 'zod'
import { docker } from '../run.ts'
import type { System } from './system.ts'

const Ping = z.object({ version: z.string(), uid: z.int(), gid: z.int() })

/** Where the collaboration has its files on the host. */
const shared = '/global/nightwatch'

export const nightwatch: System = {
  branch: 'main',
  environment: 'production',
  port: '5000',
  serverName: 'nightwatch.example.org',
  pulled: [],
  // What nginx:1 is where it cannot be pulled is of a Debian that no vulnerability database knows yet.
  texts: { '60037': '5000', '60038': '6000', 'scan: { fail-on': 'scan: { unknown-system: warn, fail-on' },
  secrets: {},
  async prepare({ host, folder, onHost }) {
    await onHost('mkdir', '-p', `${shared}/data`)
    for (const [from, to] of [
      ['output', 'output'],
      ['data', 'data/output'],
      ['nightwatch', 'nightwatch'],
      ['desimodel', 'desimodel'],
      ['desiutil', 'desiutil'],
    ] as const)
      await docker('cp', `${join(folder, 'smoke', from)}/.`, `${host.container}:${shared}/${to}`)
    // As on a shared file system: nobody but their owner and the group may read them.
    await onHost('chown', '-R', '38305:58102', shared)
    await onHost('chmod', '-R', 'u=rwX,g=rX,o=X', shared)
  },
  async clear({ onHost }) {
    await onHost('rm', '-rf', shared)
    await onHost('rmdir', '--ignore-fail-on-non-empty', dirname(shared))
  },
  confirms: true,
  version: '/version',
  next: { 'images/app/version.py': ['1.0.0', '1.1.0'] },
  broken: {
    'images/app/version.py': ['1.1.0', '1.2.0'],
    'images/app/app.py': ['app = Flask(__name__', 'app = Flask(__nam__'],
    'launchway.yml': ['smoke:', 'smoke: false\nx-smoke:'],
  },
  async use({ ask }, version) {
    const calendar = await ask('/nights.html')
    if (!calendar.body.includes('Nightwatch calendar')) throw new Error(`the calendar is ${calendar.status} ${calendar.body}`)
    const night = await ask('/nights/20260101/exposures')
    if (!night.body.includes('00012345')) throw new Error(`the night is ${night.status} ${night.body}`)
    const { body } = await ask('/ping')
    const { version: answers, uid, gid } = Ping.parse(JSON.parse(body))
    if (answers !== version || uid !== 38305 || gid !== 58102) throw new Error(`it is ${body}, not ${version} as 38305:58102`)
  },
}
