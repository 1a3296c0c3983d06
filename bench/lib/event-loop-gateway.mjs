// The gateway whose event loop `event-loop.mjs` watches, in a process that does nothing else.
import { fileURLToPath } from 'node:url'
import { startTestGateway } from '../../packages/portcullis/test/fixtures/gateway.ts'

const fixtures = fileURLToPath(new URL('../../packages/portcullis/test/fixtures', import.meta.url))
const gateway = await startTestGateway({
  upstreams: [{ name: 'large', command: [process.execPath, `${fixtures}/large-stdio.ts`], readable: [fixtures] }],
})

let last = 0
let longest = 0
/** Microseconds of the processor that this thread has used, and the most between two looks: what else runs does not count. */
const cpu = () => process.threadCpuUsage().user + process.threadCpuUsage().system
let lastCpu = 0
let longestCpu = 0
let isWatching = false
function look() {
  const now = performance.now()
  longest = Math.max(longest, now - last)
  last = now
  const used = cpu()
  longestCpu = Math.max(longestCpu, used - lastCpu)
  lastCpu = used
  if (isWatching) setImmediate(look)
}

process.on('message', (asked) => {
  if (asked === 'begin') {
    isWatching = true
    last = performance.now()
    longest = 0
    lastCpu = cpu()
    longestCpu = 0
    setImmediate(look)
    process.send({})
  } else {
    isWatching = false
    process.send({ ms: longest, cpuMs: longestCpu / 1_000 })
  }
})
process.on('disconnect', () => gateway.close())
process.send({ url: gateway.url, origin: gateway.origin, token: gateway.token, caFile: gateway.caFile })
