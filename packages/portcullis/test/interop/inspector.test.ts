// MCP Inspector's command line, unmodified, in both eras.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Place, TARGETS } from './target.ts'

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json'))
const PROGRAM = join(PACKAGE, 'clients', 'launcher', 'build', 'index.js')
const ERAS = ['legacy', 'modern'] as const

const run = promisify(execFile)

for (const target of TARGETS) {
  describe(`MCP Inspector at ${target.title}`, { timeout: 60_000 }, () => {
    const home = mkdtempSync(join(tmpdir(), 'portcullis-inspector-'))
    let place: Place
    before(async () => {
      place = await target.start()
    })
    after(async () => {
      rmSync(home, { recursive: true, force: true })
      await place?.close()
    })

    for (const era of ERAS) {
      it(`lists tools, calls one, reads a resource and gets a prompt (${era})`, async () => {
        const inspect = (...method: readonly string[]) => inspector(place, home, era, method)
        assert.match(await inspect('tools/list'), /test_simple_text/)
        const call = ['tools/call', '--tool-name', 'echo', '--tool-arg', 'message=hello'] as const
        assert.match(await inspect(...call), /hello/)
        assert.match(await inspect('resources/read', '--uri', 'test://static-text'), /static text resource/)
        assert.match(await inspect('prompts/get', '--prompt-name', 'test_simple_prompt'), /simple prompt/)
      })
    }

    it('is refused without the token', async () => {
      const stranger = { ...place, token: 'wrong' }
      await assert.rejects(inspector(stranger, home, 'legacy', ['tools/list']), /401|auth/i)
    })
  })
}

async function inspector(place: Place, home: string, era: string, method: readonly string[]): Promise<string> {
  const connection = ['--server-url', place.url, '--transport', 'http', '--protocol-era', era, '--stored-auth-only']
  const header = ['--header', `Authorization: Bearer ${place.token}`]
  const args = [PROGRAM, '--cli', ...connection, ...header, '--format', 'json', '--method', ...method]
  const env = { PATH: '/usr/bin:/bin', HOME: home, NODE_EXTRA_CA_CERTS: place.caFile }
  const { stdout } = await run(process.execPath, args, { env, timeout: 30_000 })
  return stdout
}
