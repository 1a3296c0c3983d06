/** CO-4: a program over standard input and output that shares keys: each message carries its signature in `_meta`. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/signing-stdio.ts')
const LIES = ['none', 'content', 'swapped', 'unsigned'] as const
const keys = mkdtempSync(join(tmpdir(), 'portcullis-stdio-keys-'))
let gateways: ReadonlyMap<string, TestGateway>

/** The program knows itself as `signing`, so each lie has a gateway of its own. */
async function startWith(lie: string): Promise<TestGateway> {
  const args = [SERVER, join(keys, 'server.key'), join(keys, 'gateway.pub'), lie]
  return startTestGateway({
    upstreams: [{ name: 'signing', url: 'https://unused.example/' }],
    config: {
      upstreams: {
        signing: {
          ...{ trust: 'trusted', era: 'modern' },
          stdio: { command: process.execPath, args, sandbox: { read: [SERVER, keys], memoryMiB: 2048 } },
          signatures: {
            requests: { id: 'gateway', algorithm: 'ed25519', key: { env: 'GATEWAY_KEY' } },
            expect: { id: 'server', algorithm: 'ed25519', publicKey: join(keys, 'server.pub') },
          },
        },
      },
    },
    environment: { GATEWAY_KEY: gatewayKey },
  })
}

let gatewayKey = ''

before(async () => {
  chmodSync(keys, 0o755)
  const [server, gateway] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  writeFileSync(join(keys, 'server.key'), server.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o644 })
  writeFileSync(join(keys, 'server.pub'), server.publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(join(keys, 'gateway.pub'), gateway.publicKey.export({ type: 'spki', format: 'pem' }))
  gatewayKey = String(gateway.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  gateways = new Map(await Promise.all(LIES.map(async (lie) => [lie, await startWith(lie)] as const)))
})
after(async () => {
  for (const gateway of gateways.values()) await gateway.close()
  rmSync(keys, { recursive: true, force: true })
})

const call = (lie: string) => callTool(gateways.get(lie) as TestGateway, 'echo', { text: 'x' })

test('the program gets signed requests and its signed answers pass, without their signature', async () => {
  const reply = await call('none')
  assert.equal(reply.status, 200, reply.text)
  assert.equal(reply.json.result.content[0].text, 'request signed: true')
  assert.doesNotMatch(reply.text, /dev\.portcullis\/signature/)
})

for (const [lie, what] of [
  ['content', 'what was changed after it was signed'],
  ['swapped', 'the answer to another request'],
  ['unsigned', 'what is not signed'],
] as const) {
  test(`${what} is refused`, async () => {
    const reply = await call(lie)
    assert.equal(reply.json.error?.data.code, 'upstream.signature_refused', reply.text)
    assert.equal(reply.json.error.message, 'The upstream could not prove that this is its answer.')
    assert.doesNotMatch(reply.text, /another text|request signed/)
  })
}
