import { describe, expect, it } from 'vitest'
import { findingsIn, plainConfig, told } from './support/doctor.ts'

const target = 'target "app" { target = "web" }\n'
const baked = 'images: { app: { repositories: [ghcr.io/team/app] } }\nbranches: { main: {} }\n'

async function found(files: Readonly<Record<string, string>>) {
  return (await findingsIn(files)).filter(({ rule }) => rule === 'bake-unread')
}

describe('a bake file', () => {
  it.each([['docker-bake.hcl'], ['docker-bake.json'], ['docker-bake.override.hcl']])(
    '%s that launchway.yml does not name is not read, and doctor says so with what to do',
    async (path) => {
      const all = await found({ 'launchway.yml': plainConfig, [path]: target })
      expect(all.map(told)).toEqual([`hint bake-unread ${path}: launchway.yml does not name it, and nothing of it is built`])
      expect(all[0]?.fix).toContain('bake: docker-bake.hcl')
    },
  )

  it('that it names is read', async () => {
    for (const named of ['docker-bake.hcl', './docker-bake.hcl', '[docker-bake.hcl]'])
      expect(await found({ 'launchway.yml': `${baked}bake: ${named}\n`, 'docker-bake.hcl': target })).toEqual([])
  })

  it('beside which buildx would take another by itself does not bring that', async () => {
    const files = { 'launchway.yml': `${baked}bake: docker-bake.hcl\n`, 'docker-bake.hcl': target, 'docker-bake.override.hcl': target }
    expect(await found(files)).toMatchObject([
      { where: { file: 'docker-bake.override.hcl' }, fix: expect.stringContaining('bake: [docker-bake.hcl, docker-bake.override.hcl]') },
    ])
    expect(await found({ ...files, 'launchway.yml': `${baked}bake: [docker-bake.hcl, docker-bake.override.hcl]\n` })).toEqual([])
  })

  it('below another folder is no matter of buildx, nor of doctor', async () => {
    expect(await found({ 'launchway.yml': plainConfig, 'tools/docker-bake.hcl': target })).toEqual([])
  })
})
