import assert from 'node:assert/strict'
import { createServer, get, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import { Reply } from '../../src/transport/reply.ts'

const note = (n: number) => ({ jsonrpc: '2.0', n }) as const

/** Hands a real response to the test; `text` is what its client read. */
async function exchange(use: (response: ServerResponse, leave: () => void) => Promise<void> | void): Promise<string> {
  let text = ''
  let failed: Error | undefined
  const server = createServer((_request, response) => {
    const left = () => new Promise<void>((resolve) => response.once('close', resolve))
    void Promise.resolve(use(response, () => request.destroy()))
      .catch((thrown: Error) => {
        failed = thrown
      })
      .then(async () => {
        await endOfTurn()
        if (!response.writableEnded && !response.destroyed) response.end()
        await (response.closed ? undefined : left())
        server.close()
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()))
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }, (response) => {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    response.on('error', () => {})
  })
  request.on('error', () => {})
  await Promise.all([closed, new Promise((resolve) => request.once('close', resolve))])
  if (failed !== undefined) throw failed
  return text
}

const gone = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => response.once('close', () => resolve()))

describe('the reply to one client', () => {
  it('is plain JSON until a message has to go before the answer', async () => {
    assert.equal(
      await exchange((response) => new Reply(response, () => undefined).finish({ status: 200, message: note(1) })),
      JSON.stringify(note(1)),
    )
    const text = await exchange((response) => {
      const reply = new Reply(response, () => undefined)
      void reply.send(note(1))
      reply.finish({ status: 200, message: note(2) })
      void reply.send(note(3))
    })
    assert.equal(text, `data: ${JSON.stringify(note(1))}\n\ndata: ${JSON.stringify(note(2))}\n\n`)
  })

  it('goes nowhere, without a fault, once the client has left, but into the journal', async () => {
    const recorded: unknown[] = []
    let ended = 0
    const journal = { record: (message: unknown) => String(recorded.push(message)), end: () => void ended++ }
    await exchange(async (response, leave) => {
      const reply = new Reply(response, () => journal)
      void reply.send(note(1))
      leave()
      await gone(response)
      assert.equal(reply.send(note(2)), undefined)
      reply.keepAlive()
      reply.finish({ status: 200, message: note(3) })
    })
    assert.deepEqual([recorded, ended], [[note(1), note(2), note(3)], 1])
  })

  it('takes nothing after the answer, which leaves at the end of the turn', async () => {
    const text = await exchange((response) => {
      const reply = new Reply(response, () => undefined)
      reply.finish({ status: 200, message: note(1) })
      assert.equal(reply.send(note(2)), undefined)
      reply.finish({ status: 200, message: note(3) })
    })
    assert.equal(text, JSON.stringify(note(1)))
  })

  it('holds its tongue when the client left before anything was said', async () => {
    await exchange(async (response, leave) => {
      leave()
      await gone(response)
      const reply = new Reply(response, () => undefined)
      assert.equal(reply.send(note(1)), undefined)
      reply.finish({ status: 200, message: note(2) })
      new Reply(response, () => undefined).finish({ status: 200, message: note(2) })
    })
  })

  it('tells its senders to wait for a client that does not read, all of them once', async () => {
    await exchange(async (response, leave) => {
      const reply = new Reply(response, () => undefined)
      const large = { jsonrpc: '2.0', x: 'x'.repeat(200_000) } as const
      const waits = Array.from({ length: 50 }, () => reply.send(large)).filter((taken) => taken !== undefined)
      assert.ok(waits.length > 0)
      assert.ok(response.listenerCount('drain') <= 3)
      leave()
      await Promise.all(waits)
    })
  })
})

describe('a large answer', () => {
  const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `row ${id}` }))
  const large = { jsonrpc: '2.0', id: 1, result: { rows } } as const

  it('is written while others run, and is the same text', async () => {
    let others = 0
    let isOver = false
    const count = (): void => {
      others++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const text = await exchange((response) =>
      new Reply(response, () => undefined).finish({ status: 200, message: large }),
    )
    isOver = true
    assert.equal(text, JSON.stringify(large))
    assert(others >= 2, `${others}`)
  })

  it('keeps its place among the messages of a stream', async () => {
    const text = await exchange(async (response) => {
      const reply = new Reply(response, () => undefined)
      void reply.send(note(1))
      void reply.send(large)
      void reply.send(note(2))
      await reply.finish({ status: 200, message: { ...large, id: 2 } })
    })
    const sent = text
      .split('\n\n')
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice('data: '.length)))
    assert.deepEqual(sent, [note(1), large, note(2), { ...large, id: 2 }])
  })

  it('is still the answer when something is said while it is written', async () => {
    const text = await exchange(async (response) => {
      const reply = new Reply(response, () => undefined)
      const finished = reply.finish({ status: 200, message: large })
      assert.equal(reply.send(note(1)), undefined)
      reply.open()
      await finished
    })
    assert.equal(text, JSON.stringify(large))
  })

  it('makes nobody wait who speaks after it has left', async () => {
    await exchange(async (response) => {
      const reply = new Reply(response, () => undefined)
      await reply.send(large)
      await endOfTurn()
      await new Promise((resolve) =>
        response.writableNeedDrain ? response.once('drain', resolve) : resolve(undefined),
      )
      assert.equal(reply.send(note(1)), undefined)
      await reply.finish({ status: 200, message: note(2) })
    })
  })

  it('goes nowhere, without a fault, when the client leaves while it is written', async () => {
    await exchange(async (response, leave) => {
      const finished = new Reply(response, () => undefined).finish({ status: 200, message: large })
      leave()
      await gone(response)
      await finished
    })
  })
})
