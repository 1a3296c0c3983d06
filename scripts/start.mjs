/**
 * npm start: from a bare machine to a running gateway with two sandboxed MCP servers behind it.
 * Options: `--port N` (default 8443), `--dir FOLDER` (default ./.portcullis; remove it to begin anew).
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { demoOptions } from './demo-options.mjs'
import { ensureBuilt } from './build.mjs'
import { ensureBubblewrap, ensurePackages } from './install.mjs'
import { PACKAGE, ROOT, run, stop, workspaceNode } from './workspace.mjs'

const CLI = join(PACKAGE, 'bin', 'portcullis.cjs')
const { folder, port } = demoOptions('start')
const CONFIG = join(folder, 'portcullis.yaml')

ensurePackages()
ensureBubblewrap()
ensureBuilt()
const node = workspaceNode()
if (!existsSync(CONFIG)) {
  const made = run(node, [CLI, 'init', '--demo', '--dir', folder])
  if (!made.ok) process.exit(made.status)
}
serve()

/** Signals go to the gateway, which drains; its exit status becomes ours. */
function serve() {
  const args = [CLI, 'serve', '--config', CONFIG, ...(port === undefined ? [] : ['--port', port])]
  const gateway = spawn(node, args, { cwd: ROOT, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => gateway.kill(signal))
  gateway.on('error', (error) => stop(`Portcullis could not be started: ${error.message}`))
  gateway.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
}
