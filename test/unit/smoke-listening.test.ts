import { describe, expect, it } from 'vitest'
import { type Listener, listenersIn } from '../../src/smoke/listening.ts'

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const line = (local: string, state = '0A', remote = '00000000:0000'): string =>
  `${head}\n   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 52330026 1 000000004c407155 100 0 0 10 0`

describe('who listens in a container', () => {
  it.each<[string, string, Listener[]]>([
    ['on all addresses', line('00000000:1F40'), [{ port: 8000, isLoopback: false }]],
    ['on the loopback', line('0100007F:1388'), [{ port: 5000, isLoopback: true }]],
    ['on an address of its network', line('020011AC:0050'), [{ port: 80, isLoopback: false }]],
    [
      'on all addresses of IPv6',
      line('00000000000000000000000000000000:1F90', '0A', '00000000000000000000000000000000:0000'),
      [{ port: 8080, isLoopback: false }],
    ],
    [
      'on the loopback of IPv6',
      line('00000000000000000000000001000000:0CEA', '0A', '00000000000000000000000000000000:0000'),
      [{ port: 3306, isLoopback: true }],
    ],
    [
      'on the loopback of IPv4, as IPv6 writes it',
      line('0000000000000000FFFF00000100007F:1F90', '0A', '00000000000000000000000000000000:0000'),
      [{ port: 8080, isLoopback: true }],
    ],
    ['a connection that is open', line('0100007F:1388', '01', '0100007F:A000'), []],
    ["docker's name server", line('0B00007F:9C41'), []],
    ['nobody', head, []],
  ])('%s', (_name, table, listeners) => {
    expect(listenersIn(table)).toEqual(listeners)
  })
})
