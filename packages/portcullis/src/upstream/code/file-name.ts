/** Decides which names a file of a snippet may have: relative ones that mean the same to everybody. */

const MAX_DEPTH = 8
const MAX_BYTES = 512
const MAX_PART_BYTES = 200
// Control characters and what looks like a separator; line and paragraph separators break lines elsewhere.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\\\u2028\u2029]/u
/** The folder in which the snippet's own streams are kept. */
export const OWN_FOLDER = '.run'

/** Says what is wrong with a name, as the end of a sentence that begins with the name; undefined when nothing is. */
export function flawOfName(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (Buffer.byteLength(path) > MAX_BYTES) return 'is too long'
  if (path.startsWith('/')) return 'is not relative'
  if (UNSAFE.test(path)) return 'holds a character that a name must not have'
  const parts = path.split('/')
  if (parts.length > MAX_DEPTH) return 'lies too deep'
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'has an empty part, or one of dots'
  if (parts.some((part) => Buffer.byteLength(part) > MAX_PART_BYTES)) return 'has a part that is too long'
  if (parts[0] === OWN_FOLDER || /^snippet\.(?:js|py|sh)$/.test(path)) return 'belongs to the snippet itself'
  return undefined
}

/** Says which name occurs twice, or is both a file and a folder; undefined when none does. */
export function clashOf(paths: readonly string[]): string | undefined {
  const files = new Set(paths)
  if (files.size < paths.length) return paths.find((path, at) => paths.indexOf(path) !== at)
  return paths.find((path) => foldersOf(path).some((folder) => files.has(folder)))
}

/** `a/b/c` gives `a` and `a/b`. */
export function foldersOf(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'))
}
