/** The thread that looks after the writable folders of all sandboxes, so that no look ever holds the gateway up. */
import { parentPort } from 'node:worker_threads'
import { systemClock } from '../../core/clock.ts'
import { GrowthMeter } from './growth.ts'
import { Mailbox } from './mailbox.ts'
import type { FromThread, ToThread } from './messages.ts'
import { Session } from './session.ts'

/** A session and what it has to say, in order. */
interface Desk {
  readonly session: Session
  readonly mailbox: Mailbox
}

const desks = new Map<number, Desk>()
const meter = new GrowthMeter()
const post = (message: FromThread) => parentPort?.postMessage(message, [])

parentPort?.on('message', (message: ToThread) => {
  const desk = desks.get(message.session)
  if (message.kind === 'open') void open(message)
  else if (message.kind === 'killed') desk?.session.letGo()
  else void answer(message, desk)
})

async function open({ session: id, request }: Extract<ToThread, { kind: 'open' }>): Promise<void> {
  const mailbox = new Mailbox(post)
  try {
    const session = new Session({
      request,
      meter,
      clock: systemClock,
      onAccesses: (accesses) => mailbox.send({ kind: 'accesses', session: id, accesses }),
      onUsage: (usage) => mailbox.send({ kind: 'usage', session: id, usage }),
      onExceeded: () => mailbox.send({ kind: 'exceeded', session: id }),
      onFlood: () => {
        for (const desk of desks.values()) desk.session.doubt()
      },
    })
    desks.set(id, { session, mailbox })
    const reason = await session.open()
    if (reason === undefined) mailbox.send({ kind: 'opened', session: id, usage: session.usage })
    else refuse(id, reason)
  } catch (problem) {
    refuse(id, `the folders cannot be watched: ${(problem as Error).message}`)
  }
}

function refuse(id: number, reason: string): void {
  desks.get(id)?.session.close()
  desks.delete(id)
  post({ kind: 'refused', session: id, reason })
}

async function answer({ kind, session: id, ask }: Extract<ToThread, { ask: number }>, desk?: Desk): Promise<void> {
  await (kind === 'end' ? desk?.session.end() : desk?.session.flush())
  if (kind === 'end') desks.delete(id)
  const done = { kind: 'done', session: id, ask } as const
  if (desk === undefined) post(done)
  else desk.mailbox.send(done)
}
