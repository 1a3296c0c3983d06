import assert from 'node:assert/strict'
import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { it, mock } from 'node:test'
import { type AnswerName, serveNames } from '../../../src/sandbox/network/names.ts'

/** A socket of paper. */
class Paper extends EventEmitter {
  readonly sent: string[] = []
  closes = 0
  send(reply: Buffer, port: number, address: string): void {
    this.sent.push(`${reply.toString()} to ${address}:${port}`)
  }
  close(): void {
    this.closes++
  }
  ask(query: string | Buffer): void {
    this.emit('message', Buffer.from(query), { address: '127.0.0.1', port: 5353 })
  }
}

function serve(answer: AnswerName) {
  const socket = new Paper()
  const floods: true[] = []
  serveNames(socket as unknown as Socket, answer, () => floods.push(true))
  return { socket, floods }
}

it('sends each answer to whom asked, and nothing for what is no query', () => {
  const { socket } = serve((query) => (query.length > 1 ? Buffer.from(`re: ${query.toString()}`) : undefined))
  socket.ask('who')
  socket.ask('?')
  assert.deepEqual(socket.sent, ['re: who to 127.0.0.1:5353'])
})

it('does not look at what is longer than a query can be', () => {
  const { socket } = serve(() => assert.fail('looked at'))
  socket.ask(Buffer.alloc(513))
  assert.deepEqual(socket.sent, [])
})

it('survives an error of the socket', () => {
  const { socket } = serve((query) => query)
  socket.emit('error', new Error('refused'))
  socket.ask('who')
  assert.equal(socket.sent.length, 1)
})

it('answers 200 queries in a second, and again in the next one', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const { socket, floods } = serve((query) => query)
    for (let count = 0; count < 500; count++) socket.ask('who')
    assert.equal(socket.sent.length, 200)
    mock.timers.tick(1_000)
    socket.ask('who')
    assert.deepEqual([socket.sent.length, socket.closes, floods.length], [201, 0, 0])
  } finally {
    mock.timers.reset()
  }
})

it('a flood closes the socket for good and is told once', () => {
  const { socket, floods } = serve(() => undefined)
  for (let count = 0; count < 12_000; count++) socket.ask('who')
  assert.deepEqual([socket.closes, floods.length], [1, 1])
})
