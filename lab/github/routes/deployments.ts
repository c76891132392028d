import { apiUrl, type Call, find, type Handler, listed, newest, nodeId, now, number, pick, text } from '../call.ts'
import type { Row } from '../description.ts'
import { asker } from '../people.ts'
import { validationFailed } from '../refusal.ts'

/** GitHub refuses a longer one; its description does not say so. */
const longest = 140

export const deployments: Record<string, Handler> = {
  'repos/create-deployment': (call) => {
    const { state, repository, body } = call
    const id = state.newId()
    const ref = text(body['ref'])
    const url = apiUrl(call, 'deployments', id)
    const deployment: Row = {
      url,
      id,
      node_id: nodeId('DE', id),
      sha: repository.shaOf(ref),
      ref,
      original_environment: body['environment'] ?? 'production',
      production_environment: body['environment'] === 'production',
      payload: {},
      ...pick(body, 'task', 'payload', 'environment', 'description', 'transient_environment', 'production_environment'),
      creator: asker(call),
      created_at: now(),
      updated_at: now(),
      statuses_url: `${url}/statuses`,
      repository_url: apiUrl(call),
    }
    repository.deployments.push(deployment)
    repository.deploymentStatuses[id] = []
    return { status: 201, body: deployment }
  },

  'repos/list-deployments': (call) => {
    const { sha, ref, task, environment } = call.parameters
    // `none` is the description's own word for a filter that is not set.
    const wanted = Object.entries({ sha, ref, task, environment }).filter(([, value]) => typeof value === 'string' && value !== 'none')
    return listed(
      call,
      newest(call.repository.deployments.filter((deployment) => wanted.every(([key, value]) => deployment[key] === value))),
    )
  },

  'repos/get-deployment': (call) => ({ status: 200, body: asked(call) }),

  'repos/create-deployment-status': (call) => {
    const { repository, body } = call
    const deployment = asked(call)
    if (Array.from(text(body['description'])).length > longest)
      throw validationFailed('DeploymentStatus', 'description', 'custom', `description is too long (maximum is ${longest} characters)`)
    const status = addStatus(call, deployment, {
      ...pick(body, 'state', 'description', 'environment_url', 'log_url', 'environment'),
      target_url: text(body['log_url']) || text(body['target_url']),
    })
    if (body['state'] === 'success' && body['auto_inactive'] !== false)
      for (const older of repository.deployments) if (isReplaced(call, older, deployment)) addStatus(call, older, { state: 'inactive' })
    return { status: 201, body: status, headers: { location: text(status['url']) } }
  },

  'repos/list-deployment-statuses': (call) => {
    const { id } = asked(call)
    return listed(call, newest(statusesOf(call, number(id))))
  },

  'repos/get-deployment-status': (call) => {
    const { id } = asked(call)
    return { status: 200, body: find(statusesOf(call, number(id)), 'id', call.parameters['status_id']) }
  },
}

function asked(call: Call): Row {
  return find(call.repository.deployments, 'id', call.parameters['deployment_id'])
}

function statusesOf(call: Call, deployment: number): Row[] {
  return (call.repository.deploymentStatuses[deployment] ??= [])
}

/** As the description of `auto_inactive` says: of the same environment, neither transient nor production, and a success until now. */
function isReplaced(call: Call, older: Row, by: Row): boolean {
  return (
    number(older['id']) < number(by['id']) &&
    older['environment'] === by['environment'] &&
    older['transient_environment'] !== true &&
    older['production_environment'] !== true &&
    statusesOf(call, number(older['id'])).at(-1)?.['state'] === 'success'
  )
}

function addStatus(call: Call, deployment: Row, fields: Row): Row {
  const id = call.state.newId()
  const deployment_url = text(deployment['url'])
  const status: Row = {
    url: `${deployment_url}/statuses/${id}`,
    id,
    node_id: nodeId('DES', id),
    description: '',
    environment: deployment['environment'] ?? '',
    target_url: '',
    environment_url: '',
    log_url: '',
    ...fields,
    creator: asker(call),
    created_at: now(),
    updated_at: now(),
    deployment_url,
    repository_url: apiUrl(call),
  }
  statusesOf(call, number(deployment['id'])).push(status)
  deployment['updated_at'] = now()
  return status
}
