/** Decides whether a path is spelled with wildcards so that nobody recognises it: `/???/c?t`, `/etc/pas[s]wd`, `/bin/ca?`. */
import { PROGRAM_NAMES } from './program-names.ts'

const CANDIDATE = /(?<![\w/.:)\]}*?-])(?:\/[\w?*[\]!^{},.-]{1,24}){2,4}/g
const WILD = /[?*]|\[[^\]]{1,24}\]/
const MAX_CANDIDATES = 8
const FOLDERS = ['etc', 'bin', 'usr', 'sbin', 'proc', 'dev', 'root', 'var', 'tmp', 'home']
const NAMES = [
  'passwd',
  'shadow',
  'hosts',
  'group',
  'sudoers',
  'self',
  'bin',
  'local',
  'sbin',
  'lib',
  'log',
  ...PROGRAM_NAMES,
]

export function hasGlobbedPath(text: string): boolean {
  if (!WILD.test(text)) return false
  const candidates = text.match(CANDIDATE)?.slice(0, MAX_CANDIDATES) ?? []
  return candidates.some((path) => {
    const segments = path.slice(1).split('/')
    const [folder = ''] = segments
    // `/usr/bin/[u]name`: the folder between says no more.
    const name = (FOLDERS.includes(segments[1]?.toLowerCase() ?? '') ? segments[2] : segments[1]) ?? ''
    if (!WILD.test(folder) && !WILD.test(name)) return false
    // A star alone is what everybody writes.
    if (folder === '*' || name === '*' || name === '' || name.startsWith('*.')) return false
    return matches(folder, FOLDERS) && matches(name, NAMES)
  })
}

function matches(glob: string, names: readonly string[]): boolean {
  if (!WILD.test(glob)) return names.includes(glob.toLowerCase())
  const parts = glob.match(/\[[^\]]*\]|\*+|[^[\]]/g) ?? []
  if (parts.length > 24 || parts.filter((part) => part.startsWith('*')).length > 2) return false
  const source = parts.map((part) =>
    part === '?' ? '.' : part.startsWith('*') ? '.*' : part.startsWith('[') ? '.' : part.replace(/\W/, '\\$&'),
  )
  return names.some((name) => new RegExp(`^${source.join('')}$`, 'i').test(name))
}
