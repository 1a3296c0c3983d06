/** What `npm start` and `npm run tour` share: their options, and a demonstration that is ready to be served. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureBuilt } from './build.mjs'
import { ensureSandbox, ensurePackages } from './install.mjs'
import { PACKAGE, ROOT, run, stop, workspaceNode } from './workspace.mjs'

/** Launcher of the command line. */
export const CLI = join(PACKAGE, 'bin', 'portcullis.cjs')

/** Installs and builds what is missing, makes the demonstration if there is none, and says where it is. */
export function prepareDemo(command) {
  const { folder, port } = options(command)
  const configFile = join(folder, 'portcullis.yaml')
  ensurePackages()
  ensureSandbox()
  ensureBuilt()
  const node = workspaceNode()
  if (!existsSync(configFile) || !existsSync(join(folder, 'portcullis.lock'))) {
    const made = run(node, [CLI, 'init', '--demo', '--dir', folder])
    if (!made.ok) process.exit(made.status)
  }
  return { node, folder, configFile, port }
}

function options(command) {
  try {
    const { values } = parseArgs({ options: { dir: { type: 'string' }, port: { type: 'string' } } })
    const { port } = values
    if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) > 65535)) throw new RangeError('port')
    return { folder: resolve(values.dir ?? join(ROOT, '.portcullis')), port }
  } catch {
    return stop(`usage: npm run ${command} -- [--port N] [--dir FOLDER]`, 2)
  }
}
