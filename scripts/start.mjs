/**
 * npm start: from a bare machine to a running gateway with two sandboxed MCP servers behind it.
 * Options: `--port N` (default 8443), `--dir FOLDER` (default ./.portcullis; remove it to begin anew).
 */
import { spawn } from 'node:child_process'
import { CLI, prepareDemo } from './demo.mjs'
import { ROOT, stop } from './workspace.mjs'

const { node, configFile, port } = prepareDemo('start')
serve()

/** Signals go to the gateway, which drains; its exit status becomes ours. */
function serve() {
  const args = [CLI, 'serve', '--config', configFile, ...(port === undefined ? [] : ['--port', port])]
  const gateway = spawn(node, args, { cwd: ROOT, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => gateway.kill(signal))
  gateway.on('error', (error) => stop(`Portcullis could not be started: ${error.message}`))
  gateway.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
}
