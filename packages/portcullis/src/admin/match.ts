/** Decides which route a path means. Paths are compared as sent; only what stands for a name is decoded, once. */
import { ADMINISTRATION_PATH } from '../transport/route.ts'
import type { AdminRoute } from './route.ts'

export const ADMIN_BASE = `${ADMINISTRATION_PATH}/v1`

/** Whether the path, in any method, belongs to the administration. */
export const isAdminPath = (path: string): boolean => path === ADMIN_BASE || path.startsWith(`${ADMIN_BASE}/`)

export interface Matched {
  readonly path: Readonly<Record<string, string>>
  /** The routes of this path, by method. */
  readonly routes: ReadonlyMap<string, AdminRoute>
}

/** Finds the routes of a path; undefined when there are none. */
export type Match = (path: string) => Matched | undefined

interface Pattern {
  readonly parts: readonly string[]
  readonly routes: Map<string, AdminRoute>
}

/** Throws a TypeError when two routes would take the same request. */
export function matcher(routes: readonly AdminRoute[]): Match {
  const patterns = new Map<string, Pattern>()
  for (const route of routes) {
    const pattern = patterns.get(route.path) ?? { parts: route.path.slice(1).split('/'), routes: new Map() }
    if (pattern.routes.has(route.method)) throw new TypeError(`two routes for ${route.method} ${route.path}`)
    pattern.routes.set(route.method, route)
    patterns.set(route.path, pattern)
  }
  return (path) => {
    if (!path.startsWith(`${ADMIN_BASE}/`)) return undefined
    const parts = path.slice(ADMIN_BASE.length + 1).split('/')
    for (const pattern of patterns.values()) {
      const found = fit(pattern.parts, parts)
      if (found !== undefined) return { path: found, routes: pattern.routes }
    }
    return undefined
  }
}

function fit(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined
  const found: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const given = parts[index] as string
    if (!part.startsWith('{')) {
      if (given !== part) return undefined
      continue
    }
    const decoded = decode(given)
    if (decoded === undefined) return undefined
    found[part.slice(1, -1)] = decoded
  }
  return found
}

/** Undefined for text that is no name: empty, not UTF-8, or with control characters. */
function decode(part: string): string | undefined {
  try {
    const text = decodeURIComponent(part)
    return text === '' || text.length > 512 || /\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
