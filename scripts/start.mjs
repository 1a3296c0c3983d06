/**
 * npm start: from a bare machine to a running gateway with two sandboxed MCP servers behind it.
 * Options: `--port N` (default 8443). The state is in ./.portcullis; remove that folder to begin anew.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureBubblewrap, ensurePackages } from './install.mjs'
import { PACKAGE, ROOT, run, stop, workspaceNode } from './workspace.mjs'

const CLI = join(PACKAGE, 'bin', 'portcullis.cjs')
const STATE = join(ROOT, '.portcullis')
const CONFIG = join(STATE, 'portcullis.yaml')

const port = portOf(process.argv.slice(2))
ensurePackages()
ensureBubblewrap()
ensureBuilt()
const node = workspaceNode()
if (!existsSync(CONFIG)) {
  const made = run(node, [CLI, 'init', '--demo', '--dir', STATE])
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

function portOf(args) {
  if (args.length === 0) return undefined
  const value = args[0] === '--port' ? args[1] : args[0].startsWith('--port=') ? args[0].slice(7) : undefined
  if (value === undefined || !/^\d{1,5}$/.test(value) || Number(value) > 65535)
    stop('usage: npm start -- [--port N]', 2)
  return value
}
