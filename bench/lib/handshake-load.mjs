// Handshakes without end for some seconds, full or resumed. Prints how many there were as JSON.
// Arguments: port, authority file, group, 'full' or 'resumed', seconds, how many at once.
import { readFileSync } from 'node:fs'
import { connect, createSecureContext } from 'node:tls'

const [port, caFile, group, kind, seconds, atOnce] = process.argv.slice(2)
const secureContext = createSecureContext({ ca: readFileSync(caFile), ecdhCurve: group, minVersion: 'TLSv1.3' })
const options = {
  host: '127.0.0.1',
  port: Number(port),
  servername: 'localhost',
  secureContext,
  ALPNProtocols: ['http/1.1'],
}

/** Resolves with whether the session was resumed, once both ends have closed. */
function handshake(session) {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...options, ...(session && { session }) }, () => {
      const reused = socket.isSessionReused()
      socket.resume().end()
      socket.once('close', () => resolve(reused))
    })
    socket.once('error', reject)
  })
}

/** Tickets come after the handshake. */
function firstSession() {
  return new Promise((resolve, reject) => {
    const socket = connect(options)
    socket.once('session', (session) => {
      resolve(session)
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('no ticket came')))
  })
}

const session = kind === 'resumed' ? await firstSession() : undefined
const counts = { done: 0, resumed: 0 }
const until = performance.now() + Number(seconds) * 1_000
const from = performance.now()
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    while (performance.now() < until) {
      if (await handshake(session)) counts.resumed++
      counts.done++
    }
  }),
)
console.log(JSON.stringify({ ...counts, seconds: (performance.now() - from) / 1_000 }))
