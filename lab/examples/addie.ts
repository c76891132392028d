import { z } from 'zod'
import type { System } from './system.ts'

const Health = z.object({ status: z.string(), version: z.string() })

export const addie: System = {
  branch: 'master',
  environment: 'production',
  port: '80',
  serverName: 'addie.example.org',
  pulled: [],
  texts: { 'https://addie.example.org': 'http://addie.example.org' },
  secrets: { SECRET_KEY: 'of-a-lab' },
  prepare: () => Promise.resolve(),
  clear: () => Promise.resolve(),
  version: '/api/echo',
  next: { 'pdfitc/__init__.py': ['1.0.0', '1.1.0'] },
  broken: {
    'pdfitc/__init__.py': ['1.1.0', '1.2.0'],
    'run.py': ['app = create()', 'app = creat()'],
    'launchway.yml': ['smoke:', 'smoke: false\nx-smoke:'],
  },
  async use({ app, ask, onHost }, version) {
    const { body } = await ask('/healthz')
    const well = Health.parse(JSON.parse(body))
    if (well.status !== 'ok' || well.version !== version) throw new Error(`it is ${body}, not ${version}`)
    const name = await onHost('docker', 'ps', '--filter', `label=launchway.app=${app}`, '--format', '{{.Names}}')
    const job = await onHost('docker', 'exec', name.trim(), 'python', 'check_job.py')
    if (!job.includes('SUCCESS [3.1355]')) throw new Error(`the worker found ${job}`)
  },
}
