import { howToFill, type Setting, unfilled } from './workflow-parts.ts'
import { type Workflow, workflows } from './workflows.ts'

/** What a starter says of itself, after what it does. */
function copied(name: string): string[] {
  return name === 'push.yml'
    ? [
        '#',
        '# `launchway init` writes this file for your repository. By hand: copy it to .github/workflows/push.yml, then',
        '#   1. put your branches and tags under `on.push`, those that launchway.yml names, and the branches of an environment into',
        '#      the `if:` of its deploy job, of which each environment has one;',
        `#   2. replace OWNER by ${howToFill.owner}, and COMMIT by`,
        `#      ${howToFill.commit} (\`${howToFill.list}\``,
        "#      lists them). A tag can be moved to other code, a commit cannot: keep the tag's name as a comment, so that update",
        '#      tools can follow it;',
        '#   3. add the private key for your hosts as the secret SSH_KEY, and commit their public keys as .github/known_hosts.',
        '# With another registry than ghcr.io leave `packages:` out, and give registry-username and registry-password in both jobs.',
      ]
    : [
        '#',
        `# \`launchway init\` writes this file for your repository. By hand: copy it to .github/workflows/${name} and replace`,
        '# OWNER and COMMIT as in push.yml.',
        ...(name === 'release.yml' ? ['# Take `tags:` out of push.yml then, or each version would be released twice.'] : []),
      ]
}

/** The files of workflows/: what people copy who do without `init`. */
export function starters(): Workflow[] {
  const setting: Setting = {
    pin: unfilled,
    branches: ['main'],
    tags: ['v*'],
    published: false,
    environments: [{ name: 'production', pushed: "github.ref == 'refs/heads/main'", secrets: [] }],
    ghcr: true,
    login: false,
    passwords: [],
    building: [],
    identity: false,
  }
  const published: Setting = {
    ...setting,
    published: true,
    environments: [{ name: 'production', published: "startsWith(github.ref, 'refs/tags/v')", secrets: [] }],
  }
  return [...workflows(setting, copied), ...workflows(published, copied).filter(({ name }) => name === 'release.yml')]
}
