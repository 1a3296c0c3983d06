/** `portcullis lock verify`: whether the lock counts here, who says so, and with which key this installation signs. */
import { LockFile } from '../gateway/lock-file.ts'
import { visibleText } from '../inspection/definitions/hidden.ts'
import { privateFolder } from '../pki/private-file.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface LockVerifyOptions extends ConfigOption {
  readonly json?: boolean
}

/** What is wrong is thrown as LockError. */
export function lockVerify(options: LockVerifyOptions, terminal: Terminal): void {
  const { config } = openConfig(options, terminal)
  privateFolder(config.state)
  const file = new LockFile(config)
  const lock = file.readTrusted()
  const signers = lock.signatures.length === 0 ? [] : file.verify(lock)
  const counts = [...lock.upstreams].map(([name, { approved, waiting }]) => ({
    upstream: name,
    approved: approved.size,
    waiting: waiting.size,
  }))
  if (options.json === true) {
    terminal.out(JSON.stringify({ lock: file.path, signers, upstreams: counts, key: file.ownKey }))
    return
  }
  const said = signers.length === 0 ? 'approves nothing yet' : `signed by ${signers.map(visibleText).join(', ')}`
  terminal.out(`${file.path}: ${said}`)
  for (const { upstream, approved, waiting } of counts)
    terminal.out(`  ${visibleText(upstream)}: ${approved} approved, ${waiting} waiting`)
  terminal.err(`This installation signs as ${file.ownKey}`)
}
