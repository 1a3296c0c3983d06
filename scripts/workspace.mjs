/** Where things are, and how a program is run. Like all files here that come before the installation: for Node 20, without packages. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
export const PACKAGE = join(ROOT, 'packages', 'portcullis')

/** sysexits: a program or a service that is needed is not there. */
export const EX_UNAVAILABLE = 69

/** The oldest Node that Portcullis runs on. */
const MINIMUM = [22, 19]

/** Node 24 of the workspace, or the one that runs this script if it is new enough. */
export function workspaceNode() {
  const own = join(ROOT, 'node_modules', '.bin', 'node')
  if (existsSync(own)) return own
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return process.execPath
  return stop(`Portcullis needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}. Install Node 24.`)
}

/** A program of a development dependency, as arguments for workspaceNode(). */
export function tool(name) {
  return join(ROOT, 'node_modules', '.bin', name)
}

/** Says why in one sentence and ends. */
export function stop(sentence, status = EX_UNAVAILABLE) {
  console.error(sentence)
  process.exit(status)
}

/** Runs a program in the root and waits. Its output is shown unless `quiet`, then it is returned. */
export function run(command, args, { quiet = false, environment = {} } = {}) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    env: { ...process.env, ...environment },
  })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? String(result.error) : ''}`
  return { ok: result.status === 0, status: result.status ?? 1, output }
}
