import { createHash } from 'node:crypto'
import { type Answer, apiUrl, type Call, find, type Handler, htmlUrl, listed, newest, nodeId, now, pick, rows, text } from '../call.ts'
import { type Row, uploads } from '../description.ts'
import { asker } from '../people.ts'
import { notFound, validationFailed } from '../refusal.ts'

export const releases: Record<string, Handler> = {
  'repos/create-release': (call) => {
    const { state, repository, body } = call
    const tag = text(body['tag_name'])
    if (body['draft'] !== true && published(call).some((release) => release['tag_name'] === tag))
      throw validationFailed('Release', 'tag_name', 'already_exists')
    const id = state.newId()
    const url = apiUrl(call, 'releases', id)
    const release: Row = {
      url,
      html_url: htmlUrl(call, 'releases/tag', tag),
      assets_url: `${url}/assets`,
      upload_url: `${url.replace('/repos/', `${uploads}/repos/`)}/assets{?name,label}`,
      tarball_url: apiUrl(call, 'tarball', tag),
      zipball_url: apiUrl(call, 'zipball', tag),
      id,
      node_id: nodeId('RE', id),
      target_commitish: 'main',
      name: null,
      body: null,
      ...releaseFields(body),
      author: asker(call),
      assets: [],
      created_at: now(),
      published_at: body['draft'] === true ? null : now(),
    }
    repository.releases.push(release)
    return { status: 201, body: release, headers: { location: url } }
  },

  'repos/list-releases': (call) => listed(call, newest(call.repository.releases)),

  'repos/get-release': (call) => ({ status: 200, body: asked(call) }),

  'repos/get-latest-release': (call) => {
    const latest = published(call).findLast((release) => release['prerelease'] !== true)
    if (latest === undefined) throw notFound()
    return { status: 200, body: latest }
  },

  'repos/get-release-by-tag': (call) => ({ status: 200, body: find(published(call), 'tag_name', call.parameters['tag']) }),

  'repos/update-release': (call) => {
    const release = asked(call)
    Object.assign(release, releaseFields(call.body))
    if (release['draft'] === false) release['published_at'] ??= now()
    return { status: 200, body: release }
  },

  'repos/delete-release': (call) => {
    const { releases: all } = call.repository
    all.splice(all.indexOf(asked(call)), 1)
    return { status: 204 }
  },

  'repos/list-release-assets': (call) => listed(call, rows(asked(call)['assets'])),

  'repos/upload-release-asset': (call) => {
    const release = asked(call)
    const { name, label } = call.parameters
    const assets = rows(release['assets'])
    if (assets.some((asset) => asset['name'] === name)) throw validationFailed('ReleaseAsset', 'name', 'already_exists')
    const id = call.state.newId()
    const asset: Row = {
      url: apiUrl(call, 'releases/assets', id),
      browser_download_url: htmlUrl(call, 'releases/download', text(release['tag_name']), text(name)),
      id,
      node_id: nodeId('RA', id),
      name: text(name),
      label: label ?? null,
      state: 'uploaded',
      content_type: call.headers['content-type'] ?? 'application/octet-stream',
      size: call.raw.length,
      digest: `sha256:${createHash('sha256').update(call.raw).digest('hex')}`,
      download_count: 0,
      created_at: now(),
      updated_at: now(),
      uploader: asker(call),
    }
    call.repository.keep(id, call.raw)
    release['assets'] = [...assets, asset]
    return { status: 201, body: asset }
  },

  'repos/get-release-asset': (call): Answer => {
    const { asset } = askedAsset(call)
    const bytes = call.headers.accept?.includes('application/octet-stream') === true ? call.repository.file(Number(asset['id'])) : undefined
    return { status: 200, body: bytes ?? asset }
  },

  'repos/delete-release-asset': (call) => {
    const { release, asset } = askedAsset(call)
    release['assets'] = rows(release['assets']).filter((other) => other['id'] !== asset['id'])
    return { status: 204 }
  },
}

function asked(call: Call): Row {
  return find(call.repository.releases, 'id', call.parameters['release_id'])
}

/** Drafts are found by their id alone. */
function published(call: Call): Row[] {
  return call.repository.releases.filter((release) => release['draft'] !== true)
}

function askedAsset(call: Call): { release: Row; asset: Row } {
  const id = call.parameters['asset_id']
  const release = call.repository.releases.find((candidate) => rows(candidate['assets']).some((asset) => asset['id'] === id))
  return { release: release ?? {}, asset: find(rows(release?.['assets']), 'id', id) }
}

function releaseFields(body: Row): Row {
  return pick(body, 'tag_name', 'target_commitish', 'name', 'body', 'draft', 'prerelease')
}
