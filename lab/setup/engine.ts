import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LaunchwayError } from '../../src/core/error.ts'
import { cache } from '../paths.ts'
import { ask } from '../run.ts'
import { aptInstall, canInstall, debianMirror, debianSuite, inPath, isLinux, needDisk } from './machine.ts'
import type { Step } from './steps.ts'

/** Debian 12 has an old engine, and neither buildx nor compose: they come from the next release, and nothing else does. */
const newer = 'trixie'

async function find(): Promise<string | undefined> {
  const version = await ask('docker', ['version', '--format', '{{.Server.Version}}'])
  if (version === undefined) return undefined
  const [buildx, compose] = await Promise.all([ask('docker', ['buildx', 'version']), ask('docker', ['compose', 'version', '--short'])])
  const lacks = [buildx === undefined ? 'buildx' : [], compose === undefined ? 'compose' : []].flat()
  if (lacks.length > 0 && !canInstall) {
    throw new LaunchwayError('TOOL_MISSING', `docker ${version} is there, its plugin ${lacks.join(' and ')} is not`, {
      hint: 'Install docker-buildx-plugin and docker-compose-plugin: https://docs.docker.com/engine/install/',
    })
  }
  return lacks.length > 0 ? undefined : `${version}, buildx ${/v?\d+\.\d+\.\d+/.exec(buildx ?? '')?.[0] ?? ''}, compose ${compose}`
}

async function make(progress: (line: string) => void): Promise<string> {
  const chosen = process.env['DOCKER_HOST']
  if (chosen !== undefined && chosen !== '') {
    throw new LaunchwayError('TOOL_MISSING', `no Docker engine answers at DOCKER_HOST (${chosen})`, {
      hint: 'Start that engine, or unset DOCKER_HOST to use the one of this machine.',
    })
  }
  if (!canInstall) throw howToInstall()
  needDisk('/var/lib', 10, 'a Docker engine')
  if (inPath('dockerd') === undefined || (await ask('docker', ['compose', 'version'])) === undefined) {
    await aptInstall(packages(), progress)
  }
  if ((await ask('docker', ['info'])) === undefined) await startEngine()
  const found = await find()
  if (found !== undefined) return `${found}, installed`
  throw new LaunchwayError('TOOL_MISSING', 'the engine was installed, but does not answer', { hint: lastLines(logFile) })
}

function packages(): string[] {
  if (debianSuite() !== 'bookworm') return ['docker.io', 'docker-cli', 'docker-buildx', 'docker-compose', 'iptables']
  addNewerSource()
  // runc stays the release's own: the newer one wants a newer C library.
  return ['docker.io', 'docker-cli', 'docker-buildx', 'docker-compose', 'containerd']
    .map((name) => `${name}/${newer}`)
    .concat('runc', 'iptables')
}

function addNewerSource(): void {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  const source = `Types: deb\nURIs: ${debianMirror()}\nSuites: ${newer}\nComponents: main\nSigned-By: ${keyring}\n`
  writeFileSync(`/etc/apt/sources.list.d/launchway-${newer}.sources`, source)
  // Lower than what is installed: nothing is taken from there unless it is named.
  writeFileSync('/etc/apt/preferences.d/launchway', `Package: *\nPin: release n=${newer}\nPin-Priority: 50\n`)
}

const logFile = join(cache, 'dockerd.log')

/** Starts the engine as a process of its own: it stays when set-up ends, as it would if systemd had started it. */
async function startEngine(): Promise<void> {
  if (existsSync('/run/systemd/system')) {
    await ask('systemctl', ['start', 'docker'])
  } else {
    mkdirSync(cache, { recursive: true })
    const log = openSync(logFile, 'a')
    spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] }).unref()
  }
  for (let tries = 0; tries < 300; tries += 1) {
    if ((await ask('docker', ['info'])) !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function lastLines(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-15).join('\n') : `see journalctl -u docker`
}

function howToInstall(): LaunchwayError {
  const there = inPath('docker') === undefined ? 'no Docker engine is installed' : 'no Docker engine answers'
  const hint = isLinux
    ? 'Install one with its buildx and compose plugins (https://docs.docker.com/engine/install/), start it (sudo systemctl start docker), and let this user use it (sudo usermod -aG docker "$USER", then log in again).'
    : 'Install Docker Desktop (https://docs.docker.com/desktop/) or colima, and start it.'
  return new LaunchwayError('TOOL_MISSING', there, { hint: `${hint}\nOn Debian, as root, set-up does this by itself.` })
}

export const engineStep: Step = { name: 'engine', needs: [], find, make, takes: 'about 20 s' }
