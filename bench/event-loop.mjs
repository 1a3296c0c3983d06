// npm run bench -- event-loop: for how long one large message, in either direction, keeps everybody else waiting.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modern, send } from '../packages/portcullis/test/fixtures/client.ts'
import { LARGE } from '../packages/portcullis/test/fixtures/large-json.ts'

const ROUNDS = 4
const child = fork(fileURLToPath(new URL('./lib/event-loop-gateway.mjs', import.meta.url)), [], { cwd: join('.') })
const [reachable] = await once(child, 'message')

/** Milliseconds that the gateway's event loop was held while `act` ran, at most. */
async function held(act) {
  child.send('begin')
  await once(child, 'message')
  const status = await act()
  child.send('end')
  const [{ ms, cpuMs }] = await once(child, 'message')
  return { ms, cpuMs, status }
}

const call = (name, text) => {
  const { body: message, headers } = modern('tools/call', {
    name,
    arguments: { [name === 'take' ? 'value' : 'kind']: name === 'take' ? '@' : text },
  })
  const body = name === 'take' ? JSON.stringify(message).replace('"@"', () => text) : message
  return async () => (await send(reachable, body, { headers })).status
}

/** In brackets: of its processor, which what else runs on the host does not add to. */
const rows = []
await held(call('take', '1'))
for (const [kind, make] of Object.entries(LARGE)) {
  const row = { kind }
  for (const [way, act] of [
    ['from a server', call('give', kind)],
    ['with a schema', call('promised', kind)],
    ['from a client', call('take', make())],
  ]) {
    const runs = []
    for (let round = 0; round < ROUNDS; round++) runs.push(await held(act))
    const least = (of) => Math.min(...runs.map(of)).toFixed(0)
    const failed = runs.find(({ status }) => status !== 200)
    row[way] = failed ? `status ${failed.status}` : `${least(({ ms }) => ms)} (${least(({ cpuMs }) => cpuMs)}) ms`
  }
  rows.push(row)
}
console.table(rows)
child.disconnect()
