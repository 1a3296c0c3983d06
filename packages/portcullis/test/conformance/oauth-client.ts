// The gateway in the place of an OAuth client that the conformance tool judges: its server is the upstream, and a person
// connects it as soon as the gateway asks. Command: node oauth-client.ts SERVER_URL; exits 1 when the upstream cannot be used.

import assert from 'node:assert/strict'
import { Browser } from '../fixtures/browser.ts'
import { ask, type Reply } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

/** What the tool tells a client that was registered beforehand. */
interface Context {
  readonly client_id?: string
  readonly client_secret?: string
}

/** How often a person is asked before it gives up. */
const ROUNDS = 4
/** The document that the tool knows. */
const DOCUMENT = 'https://conformance-test.local/client-metadata.json'

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''

async function main(url: string): Promise<void> {
  const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Context
  const gateway = await startTestGateway({
    upstreams: [{ name: 'judge', url, http: { oauth: await settings(url, context) } }],
    policy: 'permit (principal, action, resource);\n',
    environment: { CLIENT_SECRET: context.client_secret ?? 'none' },
  })
  try {
    const listed = await persist(gateway, 'tools/list')
    const [tool] = listed.json.result.tools as readonly { readonly name: string }[]
    await persist(gateway, 'tools/call', { name: tool?.name, arguments: {} })
  } finally {
    await gateway.close()
  }
}

async function settings(url: string, { client_id: id, client_secret: secret }: Context) {
  const common = { mode: 'per-user', plaintext: 'loopback-only', visitor: 'anyone-with-the-link' }
  if (scenario.includes('cimd')) return { ...common, document: DOCUMENT }
  if (id === undefined) return { ...common, registration: 'dynamic' }
  const client = { id, ...(secret !== undefined && { secret: { env: 'CLIENT_SECRET' } }) }
  return { ...common, issuer: await issuerOf(url), client }
}

/** An operator reads in the documents of the server which issuer it has. */
async function issuerOf(url: string): Promise<string> {
  const knock = await fetch(url, { method: 'POST', body: '{}' })
  const where = /resource_metadata="([^"]+)"/.exec(knock.headers.get('www-authenticate') ?? '')?.[1]
  const metadata = (await (await fetch(where ?? '')).json()) as { readonly authorization_servers: readonly string[] }
  return metadata.authorization_servers[0] as string
}

async function persist(
  gateway: TestGateway,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
): Promise<Reply> {
  for (let round = 0; ; round++) {
    const reply = await ask(gateway, method, params, { capabilities: { elicitation: { url: {} } } })
    const link = reply.json?.result?.inputRequests?.connect?.params?.url ?? reply.json?.error?.data?.url
    if (link === undefined || round >= ROUNDS) {
      assert.ok(
        reply.json?.result !== undefined && link === undefined,
        reply.text + gateway.logged.slice(-3).join('\n'),
      )
      return reply
    }
    await connect(gateway, link)
  }
}

async function connect(gateway: TestGateway, link: string): Promise<void> {
  const browser = new Browser(gateway.origin, gateway.caFile)
  const left = await browser.submit(await browser.get(link), link.slice(gateway.origin.length))
  const to = /<a href="([^"]+)"/.exec(left.text)?.[1]?.replaceAll('&amp;', '&')
  assert.ok(to !== undefined, left.text)
  const back = await fetch(to, { redirect: 'manual' })
  const page = await browser.get(back.headers.get('location') ?? '')
  assert.equal(page.status, 200, page.text)
  await browser.close()
}

await main(process.argv.at(-1) ?? '')
