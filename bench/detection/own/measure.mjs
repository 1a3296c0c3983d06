// Decides how our own rows are measured: by family, half and technique, in the role in which they would come.
import { commandRows, moreCommandRows } from './command.mjs'
import { honestRows } from './honest.mjs'
import { pathRows } from './path.mjs'
import { scriptRows } from './script.mjs'
import { documentRows, moreSqlRows, sqlRows } from './sql.mjs'
import { ssrfRows } from './ssrf.mjs'

export const OWN = {
  sql: { make: sqlRows, role: 'identifier' },
  'sql, more': { make: moreSqlRows, role: 'identifier' },
  'command, more': { make: moreCommandRows, role: 'identifier' },
  documents: { make: documentRows, role: 'identifier' },
  command: { make: commandRows, role: 'identifier' },
  path: { make: pathRows, role: 'path' },
  script: { make: scriptRows, role: 'identifier' },
  ssrf: { make: ssrfRows, role: 'url' },
  honest: { make: honestRows, role: 'text' },
}
const SEED = 20_260_117

/** `[{ family, half, role, technique, found, all, lost, hit }]`; the technique `all` sums up. */
export function measureOwn(finderOf, families = Object.keys(OWN)) {
  return families.flatMap((family) => {
    const { make, role } = OWN[family]
    const isFound = finderOf(role)
    const rows = make(SEED)
    return ['development', 'held-out'].flatMap((half) => {
      const ours = rows.filter((row) => row.half === half)
      const count = (technique, some) => {
        const hit = some.filter(({ text }) => isFound(text)).map(({ text }) => text)
        const lost = some.filter(({ text }) => !isFound(text)).map(({ text }) => text)
        return { family, half, role, technique, found: hit.length, all: some.length, hit, lost }
      }
      const groups = Object.entries(Object.groupBy(ours, ({ technique }) => technique))
      return [...groups.map(([technique, some]) => count(technique, some)), count('all', ours)]
    })
  })
}
