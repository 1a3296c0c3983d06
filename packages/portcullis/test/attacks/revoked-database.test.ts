/** CO-2: the gateway tells a PostgreSQL whose certificate is revoked nothing, not even who it is. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { TLSSocket } from 'node:tls'
import { startTestGateway } from '../fixtures/gateway.ts'
import { createPkiWorld, keyPem, makeCrl, pemOf, type World } from '../fixtures/pki-world.ts'

let world: World
before(async () => {
  world = await createPkiWorld()
})
after(() => world.close())

/** Agrees upon TLS, notes what it is told, and ends. */
async function database() {
  const pair = await world.issue({})
  const [key, cert] = [await keyPem(pair), pemOf(pair, world.intermediate)]
  const told: string[] = []
  const listening = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('S')
      const secure = new TLSSocket(socket, { isServer: true, cert, key })
      secure.on('error', () => {})
      secure.once('data', (bytes: Buffer) => {
        told.push(bytes.toString('latin1'))
        socket.destroy()
      })
    })
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return { pair, told, port: (listening.address() as AddressInfo).port, close: () => listening.close() }
}

it('a revoked one is told nothing and the gateway does not start; another one is told who asks', async (t) => {
  const { pair, told, port, close } = await database()
  t.after(close)
  const put = async (name: string, revoked: (typeof pair)[]) => {
    const file = join(world.folder, name)
    writeFileSync(file, await makeCrl(world.intermediate, { revoked }))
    return file
  }
  const start = (crls: readonly string[]) =>
    startTestGateway({
      upstreams: [],
      environment: { PG_PASSWORD: 'a password' },
      config: {
        store: {
          ...{ kind: 'postgres', url: `postgresql://127.0.0.1:${port}/portcullis`, username: 'gateway' },
          ...{ password: { env: 'PG_PASSWORD' }, ca: world.caFile },
        },
        outbound: { crls, revocationNetworks: ['127.0.0.0/8'] },
      },
    })
  await assert.rejects(start([await put('revoked.crl', [pair])]), /PostgreSQL cannot be used.*is revoked/s)
  assert.equal(told.length, 0)
  await assert.rejects(start([await put('good.crl', [])]), /PostgreSQL cannot be used/)
  assert.ok(told[0]?.includes('user\0gateway'), told[0])
})
