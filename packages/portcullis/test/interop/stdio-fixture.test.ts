// The fixture over stdio, without a gateway: proves that what the gateway is given as a stdio upstream is right.

import { fileURLToPath } from 'node:url'
import type { VersionNegotiationMode } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { connectV2Over } from './peer-v2.ts'
import { type Connection, describePeer } from './suite.ts'
import type { Target } from './target.ts'

const FIXTURE = fileURLToPath(new URL('../fixtures/everything/everything-stdio.ts', import.meta.url))
const ITSELF: Target = {
  title: 'the stdio fixture itself',
  start: async () => ({ url: '', token: '', caFile: '', close: async () => {} }),
}

for (const connection of [over('legacy', '2025-11-25'), over({ pin: '2026-07-28' }, '2026-07-28')]) {
  describePeer(connection, ITSELF)
}

function over(mode: VersionNegotiationMode, revision: string): Connection {
  const connect = () => {
    const transport = new StdioClientTransport({ command: process.execPath, args: [FIXTURE], stderr: 'inherit' })
    return connectV2Over(transport, mode)
  }
  return { title: `SDK client 2, ${revision}`, revision, connect }
}
