/** The rules of the house: which room may know which, what a file may be called, and where the world is touched. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { test } from 'node:test'

const SOURCE = resolve(import.meta.dirname, '../src')

const ROOMS = [
  'transport',
  'pki',
  'traffic',
  'identity',
  'signatures',
  'inspection',
  'policy',
  'limits',
  'anomalies',
  'upstream',
  'sandbox',
  'data-protection',
  'audit',
] as const

/** For each place, what it may import beside itself. Whatever is missing here is refused. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  mcp: ['core'],
  ...Object.fromEntries(ROOMS.map((room) => [room, ['core', 'mcp']])),
  transport: ['core', 'mcp', 'pki'],
  upstream: ['core', 'mcp', 'sandbox'],
  stores: ['core', 'mcp', ...ROOMS],
  config: ['core'],
  gateway: ['core', 'mcp', ...ROOMS, 'stores', 'config'],
  admin: ['core', 'mcp', ...ROOMS, 'stores', 'config', 'gateway'],
  cli: ['core', 'mcp', ...ROOMS, 'stores', 'config', 'gateway', 'admin'],
}

const MAX_LINES = 300
const FORBIDDEN_NAMES = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc', 'types'])

/** What may be used in one place only, so that it can be handed in everywhere else. */
const HOMES: readonly (readonly [what: string, pattern: RegExp, homes: readonly string[]])[] = [
  ['process.env', /\bprocess\s*\.\s*env\b/, ['config/environment.ts']],
  ['the wall clock', /\bDate\.now\b|\bnew Date\(\)/, ['core/clock.ts']],
  ['child processes', /['"]node:child_process['"]/, ['sandbox/']],
  ['schemas of zod', /from 'zod'/, ['config/', 'policy/test.ts']],
  ['the X.509 library', /['"]@peculiar\/x509['"]/, ['pki/']],
  ['what node:http does', /^import (?!type\b)[^\n]*from 'node:http'/m, ['core/node-http.ts']],
  ['the database driver', /['"]node:sqlite['"]|from 'kysely'|['"]pg['"]/, ['stores/']],
]

interface SourceFile {
  /** Path below src, with forward slashes. */
  readonly path: string
  readonly room: string
  readonly lines: number
  /** Without comments. */
  readonly code: string
  readonly imports: readonly string[]
}

const files = readSources()

test('the rules see the files that they are about', () => {
  assert(files.length > 80, `only ${files.length} files were seen`)
  const rooms = new Set(files.map((file) => file.room))
  for (const room of ['core', 'mcp', 'config', 'pki', 'cli', 'policy', 'audit'])
    assert(rooms.has(room), `${room} is empty`)
  assert(files.flatMap((file) => file.imports).length > files.length)
})

test('every file is in a room that the plan knows', () => {
  assert.deepEqual(
    files.filter((file) => !Object.hasOwn(ALLOWED, file.room)).map((file) => file.path),
    [],
  )
})

test('imports go one way, and rooms do not know each other', () => {
  const wrong = files.flatMap((file) =>
    file.imports
      .filter((target) => !mayImport(file.room, target.split('/')[0] ?? ''))
      .map((target) => `${file.path} → ${target}`),
  )
  assert.deepEqual(wrong, [])
})

test('there is no circle of imports', () => {
  assert.deepEqual(findCircles(), [])
})

test('no file is a barrel or a drawer for anything', () => {
  const wrong = files.filter((file) => {
    const parts = file.path.replace(/\.ts$/, '').split('/')
    return parts.at(-1) === 'index' || parts.some((part) => FORBIDDEN_NAMES.has(part))
  })
  assert.deepEqual(
    wrong.map((file) => file.path),
    [],
  )
})

test(`no file has more than ${MAX_LINES} lines`, () => {
  assert.deepEqual(
    files.filter((file) => file.lines > MAX_LINES).map((file) => `${file.path}: ${file.lines}`),
    [],
  )
})

for (const [what, pattern, homes] of HOMES) {
  test(`${what} is used at home only`, () => {
    const strangers = files.filter(
      (file) => pattern.test(file.code) && !homes.some((home) => file.path.startsWith(home)),
    )
    assert.deepEqual(
      strangers.map((file) => file.path),
      [],
    )
  })
}

test('raw literals are ASCII: nobody would understand an escape in them, and the joined program has no other letters', () => {
  assert.deepEqual(
    files.filter((file) => /String\.raw`[^`]*[^\p{ASCII}`]/u.test(file.code)).map((file) => file.path),
    [],
  )
})

test('nothing is exported as default', () => {
  assert.deepEqual(
    files.filter((file) => /^export default\b/m.test(file.code)).map((file) => file.path),
    [],
  )
})

test('tests mirror the rooms', () => {
  const known = new Set([
    ...Object.keys(ALLOWED),
    ...['attacks', 'vectors', 'contracts', 'conformance', 'interop', 'pins', 'e2e', 'real', 'fixtures'],
  ])
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  assert(folders.length > 5)
  assert.deepEqual(
    folders.map((folder) => folder.name).filter((name) => !known.has(name)),
    [],
  )
})

function mayImport(room: string, target: string): boolean {
  return room === target || (ALLOWED[room] ?? []).includes(target)
}

function readSources(): readonly SourceFile[] {
  const entries = readdirSync(SOURCE, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readSource(join(entry.parentPath, entry.name)))
}

function readSource(file: string): SourceFile {
  const text = readFileSync(file, 'utf8')
  const path = relative(SOURCE, file).split(sep).join('/')
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const specifiers = [...code.matchAll(/(?:from|import|import\()\s*['"](\.[^'"]+)['"]/g)].map((match) => match[1] ?? '')
  const imports = specifiers.map((to) =>
    relative(SOURCE, resolve(dirname(file), to))
      .split(sep)
      .join('/'),
  )
  return { path, room: path.split('/')[0] ?? '', lines: text.trimEnd().split('\n').length, code, imports }
}

/** Depth-first over all imports, those of types included: a circle of types is a circle of ideas. */
function findCircles(): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const circles: string[] = []
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    if (done.has(path)) return
    for (const target of byPath.get(path)?.imports ?? []) walk(target, [...trail, path])
    done.add(path)
  }
  for (const file of files) walk(file.path, [])
  return circles
}
