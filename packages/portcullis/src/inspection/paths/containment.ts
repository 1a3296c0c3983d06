/** Decides where a path leads and whether that is inside: text only, for no gateway can see the links of another machine. */
import { posix, win32 } from 'node:path'

export interface Containment {
  /** Absolute folders, in the style of the machine that opens the path. */
  readonly roots: readonly string[]
  /** What relative paths start from. */
  readonly base: string
  readonly style?: 'posix' | 'win32'
}

/** Whether the path, `.` and `..` resolved, is one of the roots or lies below one. `~` and an empty path never are. */
export function isUnder(path: string, { roots, base, style = 'posix' }: Containment): boolean {
  if (path === '' || path.startsWith('~') || path.includes('\0')) return false
  const rules = style === 'posix' ? posix : win32
  const target = rules.resolve(rules.resolve(base), path)
  return roots.some((root) => {
    const way = rules.relative(rules.resolve(root), target)
    return way === '' || !(way === '..' || /^\.\.[/\\]/.test(way) || rules.isAbsolute(way))
  })
}
