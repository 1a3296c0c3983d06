/** Decides whether a URI climbs out of where it starts, whatever its scheme and however its dots are written. */
import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { decodePercent } from '../views/percent.ts'

/**
 * Two dots as a whole segment (RFC 3986 section 5.2.4), with a parameter behind them as some servers cut it off, in a path
 * or at the beginning of what a query asks for. A backslash is a separator to somebody.
 */
const CLIMBS = /(?:^|[\\/:?#&=])\.\.(?:;[^\\/]{0,64})?[\\/]|[\\/]\.\.(?:;[^\\/]{0,64})?(?:$|[?#])/
/** Whoever decodes more often than this finds nothing that anybody would have encoded so. */
const MAX_LAYERS = 4

/** As sent and without each layer of percent-encoding. */
export const climbingUri: Inspect = (value) => {
  let text = value
  for (let layer = 0; layer <= MAX_LAYERS; layer++) {
    if (CLIMBS.test(text)) return [sighting('traversal', value)]
    if (text.includes('\0')) return [sighting('null-byte', value)]
    const decoded = decodePercent(text)
    if (decoded === text) return NOTHING
    text = decoded
  }
  return [sighting('traversal', value)]
}

const NOTHING: readonly Sighting[] = []

const sighting = (reason: string, value: string): Sighting => ({
  family: 'path',
  weight: 'strong',
  reason: `path.${reason}`,
  evidence: evidence(value),
})
