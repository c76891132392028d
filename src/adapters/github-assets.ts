import type { Assets } from '../core/ports.ts'
import { type GitHubSettings, openClient, refusals } from './github.ts'

/** The files of a release on GitHub; @actions/github is loaded at the first call. */
export function releaseAssets({ repository, token, apiUrl }: Omit<GitHubSettings, 'runUrl'>): Assets {
  const [owner = '', repo = ''] = repository.split('/')
  return {
    async put(tag, files) {
      const client = await openClient({ token, apiUrl })
      const permission = 'contents: write'
      const { data: release } = await refusals(`find the release ${tag}`, permission, () =>
        client.rest.repos.getReleaseByTag({ owner, repo, tag }),
      )
      for (const { name, body, type } of files) {
        const before = release.assets.find((asset) => asset.name === name)
        await refusals(`attach ${name} to the release ${tag}`, permission, async () => {
          // A run that is repeated has made it anew; GitHub takes a name once.
          if (before !== undefined) await client.rest.repos.deleteReleaseAsset({ owner, repo, asset_id: before.id })
          // Where files go is another host than the API's, and each GitHub's own.
          await client.request(`POST ${release.upload_url}`, { name, data: body, headers: { 'content-type': type } })
        })
      }
    },
  }
}
