/** `portcullis init`: makes what a first start needs, and keeps what is there. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { openAuditKey } from '../audit/key-file.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { ownCertificate } from '../gateway/own-certificate.ts'
import { authorityFile } from '../pki/authority.ts'
import { privateFolder, writeWhole } from '../pki/private-file.ts'
import { documentOf } from './admin-call.ts'
import { withEmbedded } from './admin-embedded.ts'
import { starterFiles } from './starter.ts'
import type { StarterFile } from './starter.ts'
import type { Terminal } from './terminal.ts'

export interface InitOptions {
  readonly dir: string
  readonly demo?: boolean
}

/** Idempotent: a file, a key or a certificate that exists is neither changed nor shown. */
export async function init({ dir, demo }: InitOptions, terminal: Terminal): Promise<void> {
  const folder = resolve(dir)
  const file = join(folder, 'portcullis.yaml')
  const isFirst = !existsSync(file)
  for (const starter of await filesFor(folder, demo === true)) put(folder, starter, terminal)
  // The sandboxed server may run as an account of its own, and the folder above is closed to everybody else.
  if (demo === true) chmodSync(join(folder, 'demo', 'notes'), 0o777)
  const config = loadConfig(file, terminal.environment)
  const layout = stateLayout(config)
  privateFolder(config.state)
  openAuditKey(layout.auditKey, layout.audit)
  if (config.listen.tls?.authority === 'local') {
    const isNew = !existsSync(authorityFile(layout.authority))
    await ownCertificate(config, layout)(terminal.clock.now())
    if (isNew) terminal.out(`made  ${authorityFile(layout.authority)}, which clients have to trust`)
  }
  await firstKey(config, layout.adminKey, terminal)
  if (demo === true && !existsSync(config.definitions.lock)) await approveDemo(file, config, terminal)
  if (!isFirst) terminal.out(`${file} was there already; nothing that exists was changed.`)
  else if (demo === true) tellNext(file, layout.adminKey, authorityFile(layout.authority), config, terminal)
}

async function filesFor(folder: string, demo: boolean): Promise<readonly StarterFile[]> {
  return demo ? (await import('./demo.ts')).demoFiles(folder) : starterFiles()
}

function put(folder: string, { name, content }: StarterFile, terminal: Terminal): void {
  const file = join(folder, name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
  if (existsSync(file)) return
  writeFileSync(file, content, { flag: 'wx', mode: 0o644 })
  terminal.out(`made  ${file}`)
}

/** Shown once; the copy in the state folder is for scripts of this account. */
async function firstKey(config: Config, file: string, terminal: Terminal): Promise<void> {
  if (existsSync(file) || config.store.kind === 'memory' || !config.policy.roles.includes('admin')) return
  const body = { name: 'first administrator', roles: ['admin'], neverExpires: true }
  const request = { method: 'POST', path: '/keys', query: { tenant: 'default' }, body } as const
  const made = await withEmbedded(config, terminal, async (send) => documentOf(await send(request), ''))
  const key = String(made['key'])
  writeWhole(file, `${key}\n`, 0o600)
  terminal.out(`made  ${file}, the first administrator key:`)
  terminal.out(`      ${key}`)
}

/** The servers of the demonstration came with it, so nobody is asked to read what they say. A host that cannot run them says so. */
async function approveDemo(file: string, config: Config, terminal: Terminal): Promise<void> {
  const { approveUnread } = await import('./lock.ts')
  try {
    const count = await approveUnread(file, config, 'portcullis init --demo', terminal)
    terminal.out(`made  ${config.definitions.lock}: ${count} definitions of the demo servers, approved by this set-up`)
  } catch (thrown) {
    const { text } = (await import('./failure.ts')).explainFailure(thrown)
    terminal.err(`What the demo servers offer could not be approved: ${text}`)
    terminal.err('Nothing of them is offered until it is: portcullis lock --approve')
  }
}

function tellNext(file: string, keyFile: string, ca: string, config: Config, terminal: Terminal): void {
  const url = `https://localhost:${config.listen.port}/mcp/files`
  const lines = [
    '',
    'To try while the gateway runs:',
    '  npm run tour    an allowed, a denied and a blocked call, each with its audit record',
    `  curl -i --cacert ${ca} ${url}    nobody is let in without a key`,
    `  npx portcullis audit tail --config ${file}`,
    'For an MCP client:',
    `  NODE_EXTRA_CA_CERTS=${ca}`,
    `  ${url} with the header Authorization: Bearer (what is in ${keyFile})`,
    '',
  ]
  for (const line of lines) terminal.out(line)
}
