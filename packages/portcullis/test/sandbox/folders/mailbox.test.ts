import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileAccess } from '../../../src/sandbox/access.ts'
import { Mailbox } from '../../../src/sandbox/folders/mailbox.ts'
import type { FromThread } from '../../../src/sandbox/folders/messages.ts'

const change: FileAccess = { kind: 'file', change: 'created', path: '/a' }

it('much is sent in slices, in order, and a limit that was passed overtakes it', async () => {
  const sent: FromThread[] = []
  const mailbox = new Mailbox((message) => sent.push(message))
  mailbox.send({ kind: 'accesses', session: 1, accesses: Array.from({ length: 250 }, () => change) })
  mailbox.send({ kind: 'done', session: 1, ask: 2 })
  mailbox.send({ kind: 'exceeded', session: 1 })
  while (sent.length < 5) await sleep(1)
  const sizes = sent.map((message) => (message.kind === 'accesses' ? message.accesses.length : message.kind))
  assert.deepEqual(sizes, [100, 'exceeded', 100, 50, 'done'])
})
