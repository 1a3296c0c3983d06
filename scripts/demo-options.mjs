/** Options that `npm start` and `npm run tour` share: where the demonstration is, and where it listens. */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, stop } from './workspace.mjs'

/** Folder of the demonstration, absolute, and the port that was asked for, if any. */
export function demoOptions(command) {
  try {
    const { values } = parseArgs({ options: { dir: { type: 'string' }, port: { type: 'string' } } })
    if (values.port !== undefined && (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65535))
      throw new Error('--port')
    return { folder: resolve(values.dir ?? join(ROOT, '.portcullis')), port: values.port }
  } catch {
    return stop(`usage: npm run ${command} -- [--port N] [--dir FOLDER]`, 2)
  }
}
