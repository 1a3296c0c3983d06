/** Decides which of several mounts answers a path: the first that takes it. */
import type { Mount } from './path.ts'

export function mountsOf(mounts: readonly (Mount | undefined)[]): Mount {
  const all = mounts.filter((mount) => mount !== undefined)
  const taker = (path: string): Mount | undefined => all.find((mount) => mount.takes(path))
  return {
    takes: (path) => taker(path) !== undefined,
    serve: (exchange) => (taker(exchange.head.path) as Mount).serve(exchange),
  }
}
