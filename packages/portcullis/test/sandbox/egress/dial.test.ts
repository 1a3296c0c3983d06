import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { it } from 'node:test'
import { type Dial, dialFirst } from '../../../src/sandbox/egress/dial.ts'
import type { Checked } from '../../../src/sandbox/egress/reach.ts'

const checked = (...addresses: string[]) => addresses as unknown as Checked
const never = new AbortController().signal

/** Sockets that do what their address is said to do: connect, fail, or neither. */
function network(behaviour: Readonly<Record<string, 'connects' | 'fails' | 'hangs'>>) {
  const begun: string[] = []
  const sockets = new Map<string, Socket>()
  const dial: Dial = (address) => {
    begun.push(address)
    const socket = new Socket()
    sockets.set(address, socket)
    const kind = behaviour[address]
    if (kind === 'connects') setImmediate(() => socket.emit('connect'))
    if (kind === 'fails') setImmediate(() => socket.destroy(new Error('refused')))
    return socket
  }
  return { begun, sockets, dial }
}

it('the first address that connects wins, and no other is left open', async () => {
  const { begun, sockets, dial } = network({ '192.0.2.1': 'fails', '192.0.2.2': 'connects', '192.0.2.3': 'connects' })
  const won = await dialFirst(checked('192.0.2.1', '192.0.2.2', '192.0.2.3'), 443, dial, {
    timeoutMs: 1e4,
    gone: never,
  })
  assert.deepEqual([won.address, begun], ['192.0.2.2', ['192.0.2.1', '192.0.2.2']])
  assert.ok(sockets.get('192.0.2.1')!.destroyed && !won.socket.destroyed)
  won.socket.destroy()
})

it('an address that hangs does not hold up the next, of the other family first', async () => {
  const { begun, sockets, dial } = network({ '2001:db8::1': 'hangs', '192.0.2.1': 'connects' })
  const to = checked('2001:db8::1', '2001:db8::2', '192.0.2.1')
  const won = await dialFirst(to, 443, dial, { timeoutMs: 1e4, gone: never })
  assert.deepEqual([won.address, begun], ['192.0.2.1', ['2001:db8::1', '192.0.2.1']])
  assert.ok(sockets.get('2001:db8::1')!.destroyed)
  won.socket.destroy()
})

it('when none answers, it is unreachable', async () => {
  const { begun, dial } = network({ '192.0.2.1': 'fails', '192.0.2.2': 'fails' })
  const race = dialFirst(checked('192.0.2.1', '192.0.2.2'), 443, dial, { timeoutMs: 1e4, gone: never })
  await assert.rejects(race, { reason: 'unreachable' })
  assert.equal(begun.length, 2)
})

it('time ends it, and so does a program that leaves; nothing stays open', async () => {
  const { sockets, dial } = network({ '192.0.2.1': 'hangs', '192.0.2.2': 'hangs' })
  await assert.rejects(dialFirst(checked('192.0.2.1'), 443, dial, { timeoutMs: 20, gone: never }), {
    reason: 'timeout',
  })
  const leaving = new AbortController()
  const race = dialFirst(checked('192.0.2.2'), 443, dial, { timeoutMs: 1e4, gone: leaving.signal })
  leaving.abort()
  await assert.rejects(race, { reason: 'left' })
  assert.ok([...sockets.values()].every((socket) => socket.destroyed))
})

it('nothing is dialled for a program that has left already', async () => {
  const { begun, dial } = network({ '192.0.2.1': 'connects' })
  const race = dialFirst(checked('192.0.2.1'), 443, dial, { timeoutMs: 1e4, gone: AbortSignal.abort() })
  await assert.rejects(race, { reason: 'left' })
  assert.deepEqual(begun, [])
})
