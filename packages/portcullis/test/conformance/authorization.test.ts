// What the official conformance tool says of the embedded authorization server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { freePort } from '../fixtures/free-port.ts'
import { signInAndAllow, startSignIn } from '../fixtures/sign-in.ts'
import { complaints, runAuthorization, scenarios } from './run.ts'

test('every scenario for authorization servers passes', { timeout: 120_000 }, async (t) => {
  const gateway = await startSignIn({ server: { clientDocuments: { hosts: ['*'] } } })
  t.after(() => gateway.close())
  await gateway.person('alice')
  const port = await freePort()
  const { id } = await gateway.client({ redirects: [`http://127.0.0.1:${port}/callback`] })
  const run = await runAuthorization({
    issuer: gateway.issuer,
    clientId: id,
    resource: `${gateway.origin}/mcp`,
    port,
    caFile: gateway.caFile,
    async visit(address) {
      const browser = gateway.browser()
      const { leadsTo, text } = await signInAndAllow(browser, await browser.get(address), 'alice')
      assert.ok(leadsTo, text)
      await (await request(leadsTo)).body.dump()
    },
  })
  assert.equal(complaints(run, ['FAILURE', 'WARNING']), '', run.log)
  assert.equal(run.exitStatus, 0, run.log)
  assert.deepEqual([...scenarios(run)].toSorted(), [
    'authorization-code-grant',
    'authorization-server-metadata-endpoint',
  ])
})
