import { apiUrl, type Call, find, type Handler, htmlUrl, listed, newest, nodeId, now, number, pick, rows, text } from '../call.ts'
import type { Json, Row } from '../description.ts'
import { validationFailed } from '../refusal.ts'
import { asker } from '../people.ts'

export const issues: Record<string, Handler> = {
  'issues/create': (call) => {
    const { state, repository, body } = call
    checkLength('Issue', body)
    const id = state.newId()
    const number = repository.issues.length + 1
    const url = apiUrl(call, 'issues', number)
    const issue: Row = {
      id,
      node_id: nodeId('I', id),
      number,
      url,
      repository_url: apiUrl(call),
      labels_url: `${url}/labels{/name}`,
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
      html_url: htmlUrl(call, 'issues', number),
      state: 'open',
      state_reason: null,
      title: typeof body['title'] === 'number' ? String(body['title']) : text(body['title']),
      body: body['body'] ?? null,
      user: asker(call),
      labels: labels(body['labels']),
      assignee: null,
      assignees: [],
      milestone: null,
      locked: false,
      comments: 0,
      closed_at: null,
      created_at: now(),
      updated_at: now(),
      author_association: 'NONE',
    }
    repository.issues.push(issue)
    return { status: 201, body: issue, headers: { location: url } }
  },

  'issues/list-for-repo': (call) => {
    const { state, labels: asked } = call.parameters
    const names = text(asked)
      .split(',')
      .filter((name) => name !== '')
    const fits = (issue: Row): boolean => names.every((name) => rows(issue['labels']).some((label) => label['name'] === name))
    return listed(call, newest(call.repository.issues.filter((issue) => (state === 'all' || issue['state'] === state) && fits(issue))))
  },

  'issues/update': (call) => {
    const issue = askedIssue(call)
    checkLength('Issue', call.body)
    const isClosed = call.body['state'] === 'closed'
    const closed = call.body['state'] === undefined ? {} : { closed_at: isClosed ? now() : null }
    return {
      status: 200,
      body: Object.assign(issue, pick(call.body, 'title', 'body', 'state', 'state_reason'), closed, { updated_at: now() }),
    }
  },

  'issues/get': (call) => ({ status: 200, body: askedIssue(call) }),

  'issues/create-comment': (call) => {
    const { state, repository, body } = call
    checkLength('IssueComment', body)
    const issue = askedIssue(call)
    const id = state.newId()
    const comment: Row = {
      id,
      node_id: nodeId('IC', id),
      url: apiUrl(call, 'issues/comments', id),
      html_url: `${text(issue['html_url'])}#issuecomment-${id}`,
      issue_url: issue['url'] ?? '',
      ...pick(body, 'body'),
      user: asker(call),
      created_at: now(),
      updated_at: now(),
      author_association: 'NONE',
    }
    repository.comments.push(comment)
    issue['comments'] = number(issue['comments']) + 1
    return { status: 201, body: comment, headers: { location: text(comment['url']) } }
  },

  'issues/list-comments': (call) => {
    const { url } = askedIssue(call)
    return listed(
      call,
      call.repository.comments.filter((comment) => comment['issue_url'] === url),
    )
  },

  'issues/get-comment': (call) => ({ status: 200, body: askedComment(call) }),

  'issues/update-comment': (call) => {
    checkLength('IssueComment', call.body)
    return { status: 200, body: Object.assign(askedComment(call), pick(call.body, 'body'), { updated_at: now() }) }
  },

  'issues/delete-comment': (call) => {
    const { comments, issues: all } = call.repository
    const comment = askedComment(call)
    comments.splice(comments.indexOf(comment), 1)
    const issue = find(all, 'url', comment['issue_url'])
    issue['comments'] = number(issue['comments']) - 1
    return { status: 204 }
  },
}

function checkLength(resource: string, { body }: Row): void {
  if (text(body).length > 65_536) throw validationFailed(resource, 'body', 'custom', 'body is too long (maximum is 65536 characters)')
}

function askedIssue(call: Call): Row {
  return find(call.repository.issues, 'number', call.parameters['issue_number'])
}

function askedComment(call: Call): Row {
  return find(call.repository.comments, 'id', call.parameters['comment_id'])
}

function labels(sent: Json | undefined): Json[] {
  return Array.isArray(sent) ? sent.map((label) => (typeof label === 'string' ? { name: label } : label)) : []
}
