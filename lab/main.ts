/**
 * The lab at the command line: `npm run lab -- up [NAME] [--swarm]`, `down [NAME]`, `list`.
 */
import { join } from 'node:path'
import { Name } from '../src/core/names.ts'
import { nearest } from '../src/core/nearest.ts'
import { down } from './down.ts'
import { type Lab, labNames, readLab, sshAddress } from './lab.ts'
import { root, tools } from './paths.ts'
import { nodesOf } from './swarm.ts'
import { allSuites, newLabName, up } from './up.ts'

const [verb, ...rest] = process.argv.slice(2)
const swarm = rest.includes('--swarm')
const name = rest.find((word) => word !== '--swarm')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** What to type to release something of one's own in this lab. */
function howToUse(lab: Lab): string {
  const host = lab.hosts['trixie']
  if (host === undefined) return ''
  return `
In a folder with a Dockerfile, such as a copy of examples/hello, this launchway.yml releases to the host trixie:

image: ${lab.registry.address}/team/hello
branches: { main: production }
scan: { databases: ['${lab.vulnerabilities}'] }
environments:
  production:
    host: ${sshAddress(host, 'deploy')}
    port: 8000
    publish: 5000
    health: /
    url: http://127.0.0.1:${host.ports['5000']}     # the lab leads it to port 5000 of the host
    options: [--init]     # for an application that does not end at SIGTERM
    ssh: { known-hosts: ${lab.knownHosts} }

export PATH="${tools}:$PATH"     # Trivy, as set-up has it
export SSH_KEY="$(cat ${lab.key})"
${join(root, 'bin/launchway')} run
curl http://127.0.0.1:${host.ports['5000']}
`
}

if (name !== undefined && !Name.safeParse(name).success) {
  say(`a lab's name is made of a-z, 0-9, _ and -: not "${name}"`)
  process.exitCode = 2
} else if (verb === 'up') {
  const chosen = name ?? newLabName()
  if (readLab(chosen) !== undefined) {
    say(`${chosen} is up already; npm run lab -- down ${chosen} takes it down`)
  } else {
    const began = performance.now()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void down(chosen).finally(() => process.exit(130)))
    const lab = await up({ name: chosen, hosts: swarm ? [] : allSuites, swarm })
    say(`${lab.name} is up after ${((performance.now() - began) / 1000).toFixed(1)} s`)
    say(`  registry         ${lab.registry.address}`)
    say(
      `  secure registry  ${lab.secureRegistry.address}  ${lab.secureRegistry.username} / ${lab.secureRegistry.password}, ca ${lab.secureRegistry.ca}`,
    )
    say(`  vulnerabilities  ${lab.vulnerabilities}  a small database for Trivy: scan.databases`)
    for (const [called, host] of Object.entries(lab.hosts))
      say(
        `  ${called.padEnd(16)} ssh -i ${lab.key} -o UserKnownHostsFile=${lab.knownHosts} -p ${host.ports['22']} ${sshAddress(host, 'deploy').split(':')[0]}`,
      )
    say(`  github           ${lab.github.url}  GitHub's API, for what the actions tell it`)
    say(`  faults           ${lab.faults.api}  toxiproxy, to make connections slow or broken`)
    for (const [called, { ports }] of Object.entries(lab.hosts))
      say(
        `  ${`nginx of ${called}`.padEnd(16)} http://127.0.0.1:${ports['80']}, https://127.0.0.1:${ports['443']}; the account ops may configure it`,
      )
    if (swarm)
      say(
        `  swarm            of ${nodesOf(lab).length} managers: services need endpoint_mode: dnsrr and ports of mode: host (docs/adr/0041)`,
      )
    say(howToUse(lab))
    say(`take it down: npm run lab -- down ${lab.name}`)
  }
} else if (verb === 'down') {
  const names = labNames()
  for (const one of name === undefined ? names : [name]) {
    // Also of one that is not listed: a start that was cut off may have left something.
    if (await down(one)) say(`${one} is down`)
    else {
      const meant = nearest(one, names)
      const there = names.length === 0 ? 'no lab is up' : `up are ${names.join(', ')}`
      say(`there is no lab "${one}": ${there}${meant === undefined ? '' : `. Did you mean ${meant}?`}`)
      process.exitCode = 2
    }
  }
  if (name === undefined && names.length === 0) say('no lab is up')
} else if (verb === 'list') {
  for (const one of labNames()) say(one)
} else {
  say('lab up [NAME] [--swarm] | lab down [NAME] | lab list')
  process.exitCode = 2
}
