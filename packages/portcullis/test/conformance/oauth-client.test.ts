// The official tool's client `auth/*` scenarios of 2026-07-28, with the gateway and its OAuth client in the client's place.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'

const TOOL = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist',
  'index.js',
)
const CLIENT = join(import.meta.dirname, 'oauth-client.ts')

/** Those in which a client gets its token by the consent of a person, as the gateway does for its upstreams. */
const SCENARIOS = [
  'authorization-server-migration',
  'basic-cimd',
  'iss-normalized',
  'iss-not-advertised',
  'iss-supported',
  'iss-supported-missing',
  'iss-unexpected',
  'iss-wrong-issuer',
  'metadata-default',
  'metadata-issuer-mismatch',
  'metadata-var1',
  'metadata-var2',
  'metadata-var3',
  'offline-access-not-supported',
  'offline-access-scope',
  'pre-registration',
  'resource-mismatch',
  'scope-from-scopes-supported',
  'scope-from-www-authenticate',
  'scope-omitted-when-undefined',
  'scope-retry-limit',
  'scope-step-up',
  'token-endpoint-auth-basic',
  'token-endpoint-auth-none',
  'token-endpoint-auth-post',
] as const

describe('the OAuth client of upstreams', { timeout: 600_000 }, () => {
  for (const scenario of SCENARIOS) {
    it(`passes auth/${scenario}`, async () => {
      const said = await judge(`auth/${scenario}`)
      assert.match(said, /OVERALL: PASSED/, said.slice(-4_000))
    })
  }
})

function judge(scenario: string): Promise<string> {
  const command = `${process.execPath} ${CLIENT}`
  const args = [TOOL, 'client', '--command', command, '--scenario', scenario, '--spec-version', '2026-07-28']
  const { NODE_TEST_CONTEXT: _inherited, ...env } = process.env
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args, '--timeout', '60000'], { stdio: ['ignore', 'pipe', 'pipe'], env })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')))
  })
}
