import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { commit, config, dockerfile, host, read, refusal, repository, run, shop, workflow } from './support/init.ts'

const Inputs = z.record(z.string(), z.looseObject({ options: z.array(z.string()).optional() }))

describe('the workflows', () => {
  it('give the secrets to the job that deploys, after the environment’s reviewers, and to no other', async () => {
    const folder = repository(shop)
    await run(folder)
    const { release, deploy } = workflow(folder, 'push.yml').jobs
    expect(release?.steps.at(-2)).toEqual({ uses: `acme/launchway@${commit}`, with: { until: 'push' } })
    // What it saw is kept, however it ended; and no two jobs of a run keep it under one name.
    const kept: [string, typeof release][] = [
      ['launchway', release],
      ['launchway', workflow(folder, 'pull-request.yml').jobs['build']],
      ['launchway-production', deploy],
      ['launchway-${{ inputs.environment }}', workflow(folder, 'redeploy.yml').jobs['redeploy']],
      ['launchway-${{ matrix.environment }}', workflow(folder, 'rescan.yml').jobs['rescan']],
    ]
    for (const [name, job] of kept)
      expect(job?.steps.at(-1)).toMatchObject({
        if: 'always()',
        uses: expect.stringMatching(/^actions\/upload-artifact@[0-9a-f]{40}$/),
        with: { name, path: expect.stringMatching(/launchway\/release\.json\n.*launchway\/launchway-evidence\n/) },
      })
    expect(deploy).toMatchObject({
      needs: 'release',
      if: "github.ref == 'refs/heads/main'",
      environment: 'production',
      concurrency: { group: 'launchway-production', 'cancel-in-progress': false, queue: 'max' },
      permissions: { contents: 'read', packages: 'write' },
    })
    expect(deploy?.steps.at(-2)).toEqual({
      uses: `acme/launchway@${commit}`,
      with: { redeploy: '${{ github.sha }}', environment: 'production', 'ssh-key': '${{ secrets.SSH_KEY }}' },
      env: Object.fromEntries(['SECRET_KEY', 'DATABASE_URL', 'POSTGRES_PASSWORD'].map((name) => [name, `\${{ secrets.${name} }}`])),
    })
    expect(Object.keys(workflow(folder, 'redeploy.yml').jobs['redeploy']?.steps.at(-2)?.env ?? {})).toHaveLength(3)
  })

  it.each<[string, string, object]>([
    [
      'each environment has a job',
      'branches: { main: production, develop: staging }',
      { 'deploy-staging': "github.ref == 'refs/heads/develop'", 'deploy-production': "github.ref == 'refs/heads/main'" },
    ],
    [
      'branches and tags',
      "branches: { main: staging }\ntags: { 'v*': staging, v0: {} }",
      { deploy: "github.ref == 'refs/heads/main' || (startsWith(github.ref, 'refs/tags/v') && github.ref != 'refs/tags/v0')" },
    ],
    [
      'patterns that launchway alone understands',
      "branches: { 'a/**': staging, 'a/*': production }",
      {
        'deploy-staging': "needs.release.outputs.environment == 'staging'",
        'deploy-production': "needs.release.outputs.environment == 'production'",
      },
    ],
    [
      'patterns of which no two fit one name',
      "branches: { main: {}, 'release/**': staging, 'hotfix/*': production, 'v*.*': {} }",
      {
        'deploy-staging': "startsWith(github.ref, 'refs/heads/release/')",
        'deploy-production': "startsWith(github.ref, 'refs/heads/hotfix/')",
      },
    ],
    ['an environment that no push leads to', 'branches: { main: {} }', {}],
  ])(
    'of a launchway.yml that is there: %s',
    { tags: ['actions/runner#1498', 'docker/metadata-action#214'] },
    async (_, routes, expected) => {
      const text = `image: ghcr.io/team/shop\n${routes}\nenvironments:\n  staging: { host: '${host}', port: 1, publish: 81 }\n  production: { host: '${host}', port: 1, publish: 80 }\n`
      const folder = repository({ Dockerfile: dockerfile, 'launchway.yml': text })
      const { files } = await run(folder)
      expect(files.find(({ path }) => path === 'launchway.yml')?.state).toBe('unchanged')
      expect(read(folder)).toBe(text)
      const { release, lost, ...deploys } = workflow(folder, 'push.yml').jobs
      expect(Object.fromEntries(Object.entries(deploys).map(([name, job]) => [name, job.if]))).toEqual(expected)
      const isByOutput = JSON.stringify(expected).includes('outputs')
      const environment = 'steps.launchway.outputs.environment'
      expect(release?.['outputs']).toEqual(
        isByOutput ? { environment: `\${{ ${environment} }}`, deploys: `\${{ ${environment} != '' }}` } : undefined,
      )
      // GitHub drops an output in which a secret stands: a deploy that was meant must not be skipped in silence.
      expect(lost?.if).toBe(isByOutput ? "needs.release.outputs.environment == '' && needs.release.outputs.deploys != 'false'" : undefined)
      expect(/^echo '::error.*\nexit 1$/m.test(String(lost?.steps[0]?.['run']))).toBe(isByOutput)
    },
  )

  describe('of versions that are published on GitHub', () => {
    const published = `on:\n  release: { types: [published] }\njobs: {}\n`

    it('a release goes live, gets its files, and nothing else may write to the repository; a push is built', async () => {
      const folder = repository(shop)
      const { next } = await run(folder, { given: { live: 'release' } })
      expect(config(folder)).toMatchObject({ branches: { main: {} }, tags: { 'v*': 'production' } })
      const [push, release] = [workflow(folder, 'push.yml'), workflow(folder, 'release.yml')]
      expect([push.on, Object.keys(push.jobs)]).toEqual([{ push: { branches: ['main'] } }, ['release']])
      expect([release.on, Object.keys(release.jobs)]).toEqual([{ release: { types: ['published'] } }, ['release', 'deploy']])
      expect(release.jobs['release']?.permissions).toEqual({ contents: 'write', packages: 'write' })
      expect(push.jobs['release']?.permissions).toEqual({ contents: 'read', packages: 'write' })
      // What is published is there; what was deleted is pushed, too.
      expect([push.jobs['release']?.if, release.jobs['release']?.if]).toEqual(['${{ !github.event.deleted }}', undefined])
      expect(release.jobs['release']?.steps).toEqual(push.jobs['release']?.steps)
      expect(release.jobs['deploy']).toMatchObject({
        if: "startsWith(github.ref, 'refs/tags/v')",
        environment: 'production',
        permissions: { contents: 'read', packages: 'write' },
        concurrency: { group: 'launchway-production' },
      })
      expect(release.jobs['deploy']?.steps.at(-2)?.with).toMatchObject({ redeploy: '${{ github.sha }}', environment: 'production' })
      expect(Object.keys(release.jobs['deploy']?.steps.at(-2)?.env ?? {})).toHaveLength(3)
      expect(workflow(folder, 'redeploy.yml').jobs).toHaveProperty('redeploy')
      expect(next.at(-1)).toBe(
        'Put a version live: gh release create v1.0.0 --generate-notes, or Releases on GitHub. The workflow "release" does it.',
      )
    })

    it.each<[string, Record<string, string>, string | undefined]>([
      ['notes that GitHub makes of it', { '.github/release.yml': 'changelog: {}\n' }, '.github/release.yml'],
      ['a draft that is kept', { '.github/release-drafter.yaml': 'template: x\n' }, '.github/release-drafter.yaml'],
      ['a workflow that begins with it', { '.github/workflows/a.yml': published }, '.github/workflows/a.yml'],
      ['one of several events', { '.github/workflows/a.yml': 'on: [push, release]\njobs: {}\n' }, '.github/workflows/a.yml'],
      ['the only event', { '.github/workflows/a.yml': 'on: release\njobs: {}\n' }, '.github/workflows/a.yml'],
      ['a job of that name', { '.github/workflows/a.yml': 'on:\n  push:\njobs:\n  release:\n    steps: []\n' }, undefined],
      ['what is no YAML', { '.github/workflows/a.yml': 'on: [release\n  x: {' }, undefined],
      ['a file of that name elsewhere', { 'release.yml': 'changelog: {}\n' }, undefined],
    ])('by themselves where the repository shows it: %s', async (_, files, because) => {
      const folder = repository({ Dockerfile: dockerfile, ...files })
      const { files: made, next } = await run(folder)
      expect(made.some(({ path }) => path.endsWith('release.yml'))).toBe(because !== undefined)
      expect(config(folder)).toMatchObject({ branches: { main: because === undefined ? 'production' : {} } })
      expect(/so because of (.*): --live push or --live tag otherwise\.$/.exec(next.at(-1) ?? '')?.[1]).toBe(because)
    })

    const given = (routes: string): Record<string, string> => ({
      Dockerfile: dockerfile,
      'launchway.yml': `image: ghcr.io/team/shop\n${routes}\nenvironments:\n  staging: { host: '${host}', port: 1, publish: 81 }\n  production: { host: '${host}', port: 1, publish: 80 }\n`,
    })

    it.each<[string, string, object]>([
      [
        'branches and versions lead to environments',
        "branches: { main: staging }\ntags: { 'v*': production, 'v0*': {} }",
        {
          push: { on: { push: { branches: ['main'] } }, deploys: { 'deploy-staging': "github.ref == 'refs/heads/main'" } },
          release: {
            on: { release: { types: ['published'] } },
            deploys: { 'deploy-production': "needs.release.outputs.environment == 'production'" },
          },
        },
      ],
      [
        'versions alone',
        "tags: { 'v*': production }",
        {
          push: undefined,
          release: { on: { release: { types: ['published'] } }, deploys: { deploy: "startsWith(github.ref, 'refs/tags/v')" } },
        },
      ],
    ])('of a launchway.yml that is there: %s', async (_, routes, expected) => {
      const folder = repository(given(routes))
      await run(folder, { given: { live: 'release' } })
      const there = (name: string): object | undefined => {
        if (!existsSync(join(folder, '.github/workflows', name))) return undefined
        const { on, jobs } = workflow(folder, name)
        const { release, lost, ...deploys } = jobs
        const isByOutput = Object.values(deploys).some((job) => job.if?.includes('outputs') === true)
        expect(lost !== undefined).toBe(isByOutput)
        expect(release?.['outputs'] !== undefined).toBe(isByOutput)
        return { on, deploys: Object.fromEntries(Object.entries(deploys).map(([job, { if: when }]) => [job, when])) }
      }
      expect({ push: there('push.yml'), release: there('release.yml') }).toEqual(expected)
    })

    it.each([
      ['release', 'branches: { main: staging }', 'launchway.yml is there already, and names no tags'],
      ['now', "tags: { 'v*': production }", 'must be push, tag or release'],
    ])('--live %s is refused where it cannot be: %s', async (live, routes, why) => {
      expect(await refusal(repository(given(routes)), { given: { live } })).toMatchObject({
        code: 'USAGE',
        message: `--live ${live}: ${why}`,
      })
    })

    it('a release.yml of before, beside tags that are pushed, is to be deleted', async () => {
      const folder = repository(shop)
      await run(folder, { given: { live: 'release' } })
      const { next } = await run(folder, { given: { live: 'tag' }, force: true })
      expect(next).toContainEqual(expect.stringMatching(/^\.github\/workflows\/release\.yml releases what is published .*: delete it\.$/))
    })
  })

  it.each<[string, string, string[], object]>([
    [
      'builds that ask for secrets',
      'images:\n  app: { repositories: [ghcr.io/team/shop], secrets: [PIP_TOKEN, GITHUB_TOKEN, { id: netrc, file: n }], ssh: [{ key: VENDOR_KEY }] }',
      ['PIP_TOKEN', 'GITHUB_TOKEN', 'VENDOR_KEY'],
      {},
    ],
    ['a key that signs', 'image: ghcr.io/team/shop\nevidence: { sign: { key: SIGNER } }', ['SIGNER', 'COSIGN_PASSWORD'], {}],
    ['a signature by the workflow', 'image: ghcr.io/team/shop\nevidence: { sign: keyless }', [], { 'id-token': 'write' }],
  ])('give the job that releases, and no other, what it asks for: %s', async (_, text, names, more) => {
    const environments = `environments:\n  production: { host: '${host}', port: 1, publish: 80, secrets: [API_KEY] }\n`
    const folder = repository({ Dockerfile: dockerfile, 'launchway.yml': `${text}\nbranches: { main: production }\n${environments}` })
    const { secrets, next } = await run(folder)
    const { release, deploy } = workflow(folder, 'push.yml').jobs
    const given = names.map((name) => [name, `\${{ secrets.${name} }}`])
    expect(release?.steps.at(-2)?.env ?? {}).toEqual(Object.fromEntries(given))
    expect(release?.permissions).toEqual({ contents: 'read', packages: 'write', ...more })
    expect(Object.keys(deploy?.steps.at(-2)?.env ?? {})).toEqual(['API_KEY'])
    expect(deploy?.permissions).toEqual({ contents: 'read', packages: 'write' })
    // GitHub gives its own token, and lets nobody set it.
    const settable = names.filter((name) => name !== 'GITHUB_TOKEN')
    expect(secrets).toEqual(['SSH_KEY', 'API_KEY', ...settable])
    for (const name of settable) expect(next).toContain(`The secret: gh secret set ${name}`)
  })

  it.each([
    ['ghcr.io/team/shop', { contents: 'read', packages: 'read' }],
    ['docker.io/team/shop', { contents: 'read' }],
  ])('let a pull request read what runs, to compare with it, and no more: %s', async (image, permissions) => {
    const folder = repository({ Dockerfile: dockerfile })
    await run(folder, { given: { image } })
    const { build } = workflow(folder, 'pull-request.yml').jobs
    expect(build?.permissions).toEqual(permissions)
    expect(JSON.stringify(build)).not.toContain('secrets.')
  })

  it('log in to a registry other than ghcr.io, and have no right to packages then', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const { secrets } = await run(folder, { given: { image: 'docker.io/team/shop' } })
    expect(secrets).toEqual(['SSH_KEY', 'REGISTRY_USERNAME', 'REGISTRY_PASSWORD'])
    for (const job of Object.values(workflow(folder, 'push.yml').jobs)) {
      expect(job.permissions).toEqual({ contents: 'read' })
      expect(job.steps.find(({ uses }) => uses.startsWith('acme/'))?.with).toMatchObject({
        'registry-password': '${{ secrets.REGISTRY_PASSWORD }}',
      })
    }
  })

  it('have a button for each move: whichever is chosen, one action does it, and is told where', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    await run(folder)
    const { on, jobs } = workflow(folder, 'versions.yml')
    const { workflow_dispatch: button } = z.object({ workflow_dispatch: z.object({ inputs: Inputs }) }).parse(on)
    expect(button.inputs['move']?.options).toEqual(['rollback', 'confirm', 'abort'])
    const steps = z.array(z.object({ if: z.string(), uses: z.string(), with: z.record(z.string(), z.string()) }))
    const ours = steps.parse(jobs['versions']?.steps.slice(1))
    for (const move of button.inputs['move']?.options ?? []) {
      const [chosen, ...more] = ours.filter((one) => one.if === `inputs.move == '${move}'`)
      expect([chosen?.uses, more]).toEqual([`acme/launchway/actions/${move}@${commit}`, []])
      expect(chosen?.with).toMatchObject({
        environment: '${{ inputs.environment }}',
        'dry-run': '${{ inputs.dry-run }}',
        'ssh-key': '${{ secrets.SSH_KEY }}',
      })
    }
    expect(ours).toHaveLength(button.inputs['move']?.options?.length ?? 0)
    expect(button.inputs['dry-run']).toMatchObject({ type: 'boolean', default: false })
    const { inputs } = z
      .object({ workflow_dispatch: z.object({ inputs: Inputs }) })
      .parse(workflow(folder, 'redeploy.yml').on).workflow_dispatch
    expect(inputs['dry-run']).toMatchObject({ type: 'boolean', default: false })
    expect(inputs['without-before-switch']).toMatchObject({ type: 'boolean', default: false })
    expect(workflow(folder, 'redeploy.yml').jobs['redeploy']?.steps.at(-2)?.with).toMatchObject({
      'dry-run': '${{ inputs.dry-run }}',
      'without-before-switch': '${{ inputs.without-before-switch }}',
    })
  })

  it('know of a configuration under another path, and of names that mean something else to GitHub', async () => {
    const text = `image: ghcr.io/team/shop\nbranches: { "it's+1": production }\nenvironments:\n  production: { host: '${host}', port: 1, publish: 80, url: 'https://shop.example.org/a#: top' }\n`
    const folder = repository({ Dockerfile: dockerfile, 'deploy/shop.yml': text })
    await run(folder, { config: 'deploy/shop.yml' })
    expect(workflow(folder, 'push.yml').on).toEqual({ push: { branches: [String.raw`it's\+1`] } })
    expect(workflow(folder, 'push.yml').jobs['deploy']).toMatchObject({
      if: "github.ref == 'refs/heads/it''s+1'",
      environment: { name: 'production', url: 'https://shop.example.org/a#: top' },
    })
    const steps = ['push.yml', 'pull-request.yml', 'redeploy.yml', 'versions.yml', 'rescan.yml']
      .flatMap((name) => Object.values(workflow(folder, name).jobs))
      .flatMap((job) => job.steps.filter(({ uses }) => uses.startsWith('acme/')))
    expect(steps.length).toBe(8)
    expect(steps.filter((step) => step.with?.['config'] !== 'deploy/shop.yml')).toEqual([])
  })
})
