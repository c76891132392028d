import { describe, expect, it } from 'vitest'
import { lineWords } from '../../src/tools/compose-line.ts'

describe('a command of a compose file that is one text', () => {
  it.each([
    ['redis-server --save 60 1', ['redis-server', '--save', '60', '1']],
    ['sh -c "flask db upgrade && rqscheduler -H redis"', ['sh', '-c', 'flask db upgrade && rqscheduler -H redis']],
    ['/bin/bash -lc \'exec worker --name "$HOSTNAME"\'', ['/bin/bash', '-lc', 'exec worker --name "$HOSTNAME"']],
    ['gunicorn --forwarded-allow-ips=* app:app', ['gunicorn', '--forwarded-allow-ips=*', 'app:app']],
    ['run a\\ b \'c d\'"e f" \'x\\y\' "say \\"yes\\""', ['run', 'a b', 'c de f', 'x\\y', 'say "yes"']],
    ["echo '' a", ['echo', '', 'a']],
    ["echo a\n  'b; c'\n", ['echo', 'a', 'b; c']],
    ['flask db upgrade && rqscheduler', ['sh', '-c', 'flask db upgrade && rqscheduler']],
    ['redis-server --requirepass $PASSWORD', ['sh', '-c', 'redis-server --requirepass $PASSWORD']],
    ['sh start.sh $HOME', ['sh', '-c', 'sh start.sh $HOME']],
    ['', []],
  ])('%j is %j', (line, words) => {
    expect(lineWords(line)).toEqual(words)
  })
})
