// mcp-remote, unmodified: a client that speaks stdio only reaches our HTTPS endpoint through it, in both of its modes.

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { connectV1Over } from './peer-v1.ts'
import { type Connection, describePeer } from './suite.ts'
import { type Place, TARGETS } from './target.ts'

const PROGRAM = join(dirname(createRequire(import.meta.url).resolve('mcp-remote/package.json')), 'dist', 'proxy.js')

for (const target of TARGETS) for (const mode of ['legacy', 'auto']) describePeer(through(mode), target)

function through(mode: string): Connection {
  return {
    title: `mcp-remote, ${mode}`,
    // Its auto mode posts notifications/cancelled, which revision 2026-07-28 has on stdio only, and does not hang up.
    ...(mode === 'auto' && { neverCancels: 'posts a notification that HTTP does not have' }),
    connect: async (place) => {
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-mcp-remote-'))
      const peer = await connectV1Over(start(place, mode, folder))
      const close = async (): Promise<void> => {
        await peer.close()
        rmSync(folder, { recursive: true, force: true })
      }
      return { ...peer, close }
    },
  }
}

function start({ url, token, caFile }: Place, mode: string, folder: string): StdioClientTransport {
  return new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM, url, '--transport', 'http-only', '--protocol', mode, '--header', `Authorization: Bearer ${token}`],
    env: { PATH: '/usr/bin:/bin', NODE_EXTRA_CA_CERTS: caFile, MCP_REMOTE_CONFIG_DIR: folder },
    stderr: 'ignore',
  })
}
