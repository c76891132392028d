import { apiUrl, type Call, find, type Handler, htmlUrl, listed, newest, nodeId, now, number, page, pick, rows, text } from '../call.ts'
import { type Json, Row } from '../description.ts'
import { asker } from '../people.ts'
import { notFound } from '../refusal.ts'
import { minimalRepository } from './repository.ts'

/** Commit statuses, check runs, refs: what hangs on a commit. */
export const commits: Record<string, Handler> = {
  'repos/create-commit-status': (call) => {
    const { repository, body } = call
    const sha = repository.shaOf(text(call.parameters['sha']))
    const id = call.state.newId()
    const creator = asker(call)
    const status: Row = {
      url: apiUrl(call, 'statuses', sha),
      avatar_url: creator['avatar_url'] ?? null,
      id,
      node_id: nodeId('SC', id),
      description: null,
      target_url: null,
      ...pick(body, 'state', 'description', 'target_url', 'context'),
      created_at: now(),
      updated_at: now(),
      creator,
    }
    ;(repository.commitStatuses[sha] ??= []).push(status)
    return { status: 201, body: status }
  },

  'repos/list-commit-statuses-for-ref': (call) => listed(call, newest(statuses(call))),

  'repos/get-combined-status-for-ref': (call) => {
    const sha = call.repository.shaOf(text(call.parameters['ref']))
    const newestOfEach = [...new Map(statuses(call).map((status) => [status['context'], status])).values()]
    const { rows: shown, link } = page(
      call,
      newestOfEach.map((status) => pick(status, ...simpleStatus)),
    )
    return {
      status: 200,
      body: {
        state: combined(newestOfEach),
        statuses: shown,
        sha,
        total_count: newestOfEach.length,
        repository: minimalRepository(call),
        commit_url: apiUrl(call, 'commits', sha),
        url: apiUrl(call, 'commits', sha, 'status'),
      },
      headers: link === '' ? {} : { link },
    }
  },

  'checks/create': (call) => {
    const { state, repository, body } = call
    const id = state.newId()
    const checkRun: Row = {
      id,
      node_id: nodeId('CR', id),
      external_id: '',
      url: apiUrl(call, 'check-runs', id),
      html_url: htmlUrl(call, 'runs', id),
      details_url: null,
      conclusion: null,
      started_at: now(),
      completed_at: null,
      ...pick(body, 'head_sha'),
      ...checkFields(call, id, noOutput(call, id)),
      check_suite: null,
      app: null,
      pull_requests: [],
    }
    repository.checkRuns.push(checkRun)
    return { status: 201, body: checkRun }
  },

  'checks/update': (call) => {
    const checkRun = find(call.repository.checkRuns, 'id', call.parameters['check_run_id'])
    return { status: 200, body: Object.assign(checkRun, checkFields(call, number(checkRun['id']), checkRun['output'] ?? null)) }
  },

  'checks/get': (call) => ({ status: 200, body: find(call.repository.checkRuns, 'id', call.parameters['check_run_id']) }),

  'git/get-ref': (call) => {
    const short = text(call.parameters['ref'])
    const sha = call.repository.refs[short]
    if (sha === undefined) throw notFound()
    const ref = `refs/${short}`
    return {
      status: 200,
      body: {
        ref,
        node_id: nodeId('REF', call.repository.id),
        url: apiUrl(call, 'git', ref),
        object: { sha, type: 'commit', url: apiUrl(call, 'git/commits', sha) },
      },
    }
  },
}

/** A status as the combined one lists it: without its creator. */
const simpleStatus = ['url', 'avatar_url', 'id', 'node_id', 'state', 'description', 'target_url', 'context', 'created_at', 'updated_at']

function statuses(call: Call): Row[] {
  return call.repository.commitStatuses[call.repository.shaOf(text(call.parameters['ref']))] ?? []
}

function combined(each: readonly Row[]): string {
  const states = new Set(each.map((status) => status['state']))
  if (states.has('failure') || states.has('error')) return 'failure'
  return each.length === 0 || states.has('pending') ? 'pending' : 'success'
}

function noOutput(call: Call, id: number): Row {
  return { title: null, summary: null, text: null, annotations_count: 0, annotations_url: apiUrl(call, 'check-runs', id, 'annotations') }
}

/** What of a check run the body says. A conclusion completes it. */
function checkFields(call: Call, id: number, before: Json): Row {
  const { body } = call
  const output = Row.safeParse(body['output']).data
  const completed = body['conclusion'] === undefined ? {} : { status: 'completed', completed_at: body['completed_at'] ?? now() }
  return {
    ...pick(body, 'name', 'external_id', 'details_url', 'status', 'started_at', 'conclusion', 'completed_at'),
    ...completed,
    output:
      output === undefined
        ? before
        : { ...noOutput(call, id), ...pick(output, 'title', 'summary', 'text'), annotations_count: rows(output['annotations']).length },
  }
}
