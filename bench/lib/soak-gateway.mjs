// The gateway of a soak, in a process of its own so that what it leaves can be told from what the soak itself uses.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startTestGateway } from '../../packages/portcullis/test/fixtures/gateway.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

/** V8 keeps pages that it has emptied for some seconds before it gives them back. */
const POOL_MS = 10_000

const { upstreams, principals, folder } = JSON.parse(process.argv[2])
const host = createServer((_, response) => response.end('reached')).listen(0, '127.0.0.1')
await once(host, 'listening')

const gateway = await startTestGateway({
  folder,
  upstreams,
  config: {
    limits: { callSeconds: 5, concurrency: { total: 2000, perPrincipal: 200 } },
    audit: { log: { level: 'error' } },
  },
})
const tokens = []
for (let index = 0; index < principals; index++) tokens.push(await gateway.issue(['admin']))
const { origin, caFile } = gateway
process.send({ origin, caFile, tokens })

const quiet = setInterval(() => {
  gateway.logged.length = 0 // the fixture keeps every line
}, 200)

process.on('message', async (asked) => {
  if (asked === 'memory') {
    gateway.logged.length = 0
    for (let round = 0; round < 2; round++) {
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
      await new Promise((resolve) => setTimeout(resolve, POOL_MS))
    }
    process.send({ memory: process.memoryUsage() })
  }
  if (asked === 'close') {
    clearInterval(quiet)
    await gateway.close()
    host.close()
    process.send({ closed: true })
    process.disconnect()
  }
})
process.on('disconnect', () => writeFileSync(join(folder, 'ended'), ''))
