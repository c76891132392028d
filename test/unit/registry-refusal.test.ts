import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../src/core/registry-refusal.ts'

/** As registries word it: what they answer, or what docker quotes of that. */
describe('a refusal', () => {
  test.each<[string, string, number | undefined]>([
    [
      'TAG_IMMUTABLE',
      "tag invalid: The image tag '1.4.0' already exists in the 'shop' repository and cannot be overwritten because the repository is immutable.",
      undefined,
    ],
    [
      'TAG_IMMUTABLE',
      '{"errors":[{"code":"PRECONDITION","message":"Failed to process request due to \'shop:1.4.0\' configured as immutable."}]}',
      412,
    ],
    ['TAG_IMMUTABLE', 'denied: this tag is immutable', 403],
    ['TAG_IMMUTABLE', 'Repository does not allow updating assets: docker-hosted', 400],
    [
      'REGISTRY_FULL',
      'denied: adding 29.0 MiB of storage resource, which when updated to current usage of 152.4 MiB will exceed the configured upper limit of 10.0 MiB.',
      undefined,
    ],
    [
      'REGISTRY_FULL',
      '{"errors":[{"code":"UNKNOWN","detail":{"DriverName":"filesystem","Enclosed":{"Op":"write","Path":"/var","Err":28}}}]}',
      500,
    ],
    ['REGISTRY_FULL', 'You have exceeded your storage quota', 403],
    ['REGISTRY_FULL', '', 507],
    [
      'REPOSITORY_UNKNOWN',
      "name unknown: The repository with name 'shop' does not exist in the registry with id '123456789012'",
      undefined,
    ],
    ['REPOSITORY_UNKNOWN', 'name unknown: Repository "shop" not found', undefined],
    ['REPOSITORY_UNKNOWN', 'unauthorized: project shop not found: project shop not found', 404],
    ['REGISTRY_DENIED', 'denied: permission_denied: write_package', undefined],
    ['REGISTRY_DENIED', 'unauthorized: incorrect username or password', undefined],
    ['REGISTRY_DENIED', 'no basic auth credentials', undefined],
    ['REGISTRY_DENIED', 'insufficient_scope: authorization failed', undefined],
    ['REGISTRY_DENIED', '', 403],
    ['REGISTRY_UNAVAILABLE', 'toomanyrequests: You have reached your pull rate limit.', undefined],
    ['REGISTRY_UNAVAILABLE', "Quota exceeded for quota metric 'Requests per project per user'", 429],
    ['REGISTRY_UNAVAILABLE', 'received unexpected HTTP status: 503 Service Unavailable', undefined],
    ['REGISTRY_UNAVAILABLE', 'dial tcp 127.0.0.1:9: connect: connection refused', undefined],
    ['REGISTRY_UNAVAILABLE', 'x509: certificate signed by unknown authority', undefined],
    ['REGISTRY_UNAVAILABLE', 'the page of a proxy', 500],
  ])('is %s: %s', (code, said, status) => {
    expect(refusalOf(said, status)).toBe(code)
  })
})
