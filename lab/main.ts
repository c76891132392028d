/**
 * The lab at the command line: `npm run lab -- up [NAME]`, `down [NAME]`, `list`.
 */
import { down } from './down.ts'
import { labNames, readLab, sshAddress } from './lab.ts'
import { allSuites, newLabName, up } from './up.ts'

const [verb, name] = process.argv.slice(2)
const say = (line: string): void => void process.stdout.write(`${line}\n`)

if (verb === 'up') {
  const chosen = name ?? newLabName()
  if (readLab(chosen) !== undefined) {
    say(`${chosen} is up already; npm run lab -- down ${chosen} takes it down`)
  } else {
    const began = performance.now()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void down(chosen).finally(() => process.exit(130)))
    const lab = await up({ name: chosen, hosts: allSuites })
    say(`${lab.name} is up after ${((performance.now() - began) / 1000).toFixed(1)} s`)
    say(`  registry         ${lab.registry.address}`)
    say(
      `  secure registry  ${lab.secureRegistry.address}  ${lab.secureRegistry.username} / ${lab.secureRegistry.password}, ca ${lab.secureRegistry.ca}`,
    )
    for (const host of Object.values(lab.hosts))
      say(
        `  ${host.suite.padEnd(16)} ssh -i ${lab.key} -o UserKnownHostsFile=${lab.knownHosts} -p ${host.ports['22']} ${sshAddress(host, 'deploy').split(':')[0]}`,
      )
    say(`  github           ${lab.github.url}`)
    say(`  faults           ${lab.faults.api}`)
    say(`take it down: npm run lab -- down ${lab.name}`)
  }
} else if (verb === 'down') {
  const chosen = name === undefined ? labNames() : [name]
  for (const one of chosen) {
    await down(one)
    say(`${one} is down`)
  }
  if (chosen.length === 0) say('no lab is up')
} else if (verb === 'list') {
  for (const one of labNames()) say(one)
} else {
  say('lab up [NAME] | lab down [NAME] | lab list')
  process.exitCode = 2
}
