/**
 * Joins the modules that `portcullis` runs into few files: to find, read and link a thousand of them takes longer than a start may.
 * Argument: the folder of the build, which gets the folder `program`. npm packages stay outside, so that whoever installs Portcullis
 * can audit and update them.
 */
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { PACKAGE } from './workspace.mjs'

const SOURCE = join(PACKAGE, 'src')
const MAIN = join(SOURCE, 'cli', 'main.ts')
const SERVE = join(SOURCE, 'cli', 'serve.ts')

/** What runs in a thread or a process of its own: one file each, beside the program, whose modules name it as their neighbour. */
const APART = [
  'data-protection/backup/pack-work.ts',
  'gateway/cedar-process.ts',
  'gateway/policy-process.ts',
  'inspection/results/clean-work.ts',
  'inspection/validation-work.ts',
  'sandbox/folders/thread.ts',
]

/** A single letter beyond ASCII makes the engine keep two bytes for each of its file. */
const NARROW = {
  name: 'narrow',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) if (file.type === 'chunk') file.code = narrowed(file.code)
  },
}

let parts
const folder = join(process.argv[2], 'program')

await bundle(MAIN, { groups: [{ name: part, debugName: 'when it is needed' }] })
for (const file of APART) await bundle(join(SOURCE, file), false)

/** Writes the file of `entry` and, where it may be split, what it loads later. A warning is an error. */
async function bundle(entry, codeSplitting) {
  const input = await rolldown({
    input: entry,
    platform: 'node',
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    plugins: [NARROW],
    onLog(level, log) {
      // Of one reader a module is loaded later, of another at once: nothing is lost by that.
      if (level === 'warn' && log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') throw new Error(log.message)
    },
  })
  await input.write({
    dir: folder,
    codeSplitting,
    comments: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
    // As they lie from where the build is moved to.
    sourcemapPathTransform: (source, map) => join('..', '..', relative(PACKAGE, resolve(dirname(map), source))),
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  })
  await input.close()
}

/** They are in literals, which understand an escape; raw ones have none of them (architecture.test.ts). */
function narrowed(code) {
  return code.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What every command needs, what `serve` needs before the first call, and the rest: where it is loaded, by the bundler. */
function part(id, modules) {
  parts ??= { begin: reached(MAIN, modules), serve: reached(SERVE, modules) }
  if (parts.begin.has(id)) return 'begin'
  return parts.serve.has(id) ? 'serve' : null
}

/** The modules that are loaded with this one. */
function reached(entry, modules) {
  const found = new Set([entry])
  for (const id of found) for (const next of modules.getModuleInfo(id)?.importedIds ?? []) found.add(next)
  return found
}
