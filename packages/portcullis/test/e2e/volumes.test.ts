/** SB-3: a volume is the server's own: kept, sized, one for each principal, and no way to anything else. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')

let folder: string
let gateway: TestGateway

const start = () =>
  startTestGateway({
    folder,
    upstreams: [
      {
        name: 'busy',
        command: [process.execPath, SERVER],
        stdio: {
          sandbox: {
            read: [SERVER],
            memoryMiB: 2048,
            volumes: [{ name: 'data', at: '/data', sizeMiB: 16, files: 500 }],
          },
        },
      },
    ],
  })

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-volumes-'))
  gateway = await start()
})
after(async () => {
  await gateway?.close()
  rmSync(folder, { recursive: true })
})

async function call(name: string, args: object, token = gateway.token): Promise<string> {
  const reply = await callTool(gateway, name, args, { token })
  return reply.json.result?.content[0].text ?? JSON.stringify(reply.json.error)
}

test('what is written there is kept for the same principal, and nobody else sees it', async () => {
  const alice = await gateway.issue(['admin'])
  const bob = await gateway.issue(['admin'])
  assert.equal(await call('write', { path: '/data/note', text: 'kept' }, alice), 'did: it')
  assert.equal(await call('exists', { path: '/data/note' }, bob), 'false')
  await gateway.close()
  gateway = await start()
  assert.equal(await call('exists', { path: '/data/note' }, alice), 'true')
})

test('it ends at its size', async () => {
  const text = await call('fill', { path: '/data', count: '100' })
  assert.ok(text === 'refused: ENOSPC' || text.includes('upstream.ended'), text)
})
