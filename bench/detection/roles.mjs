// Decides how much of each kind of attack is stopped where the gateway meets it: by everything that looks at an argument of a role.
import { performance } from 'node:perf_hooks'
import { roleInspectors } from '../../packages/portcullis/src/inspection/all-detectors.ts'
import { DISGUISES, ENCODINGS, PAIRS } from './mutations.mjs'

/** Sets of attacks, and the roles whose values such an attack would come in. */
export const PLACES = {
  sqli: ['identifier', 'number', 'text'],
  xss: ['identifier', 'text'],
  command: ['identifier', 'path', 'text'],
  path: ['path', 'identifier', 'text'],
  'other-injection': ['identifier', 'text'],
}

const BENIGN = ['benign-hard', 'benign-prose']
const LONGEST = 4_096

/** For a role: what is found beyond doubt in a value. */
export function finders() {
  const inspectors = roleInspectors()
  const inspectOf = (role) => inspectors.of({ role }).inspect
  return (role) => {
    const inspect = inspectOf(role)
    return (text) => inspect(text).some(({ weight }) => weight !== 'hint')
  }
}

/** `[{ set, role, source, found, all }]`; the source `all` sums up. */
export function measureAttacks(corpora, finderOf) {
  return Object.entries(PLACES).flatMap(([set, roles]) =>
    roles.flatMap((role) => {
      const isFound = finderOf(role)
      const bySource = Object.entries(Object.groupBy(corpora.attacks(set), ({ source }) => source))
      const counted = bySource.map(([source, rows]) => ({
        ...{ set, role, source },
        found: rows.filter(({ text }) => isFound(text)).length,
        all: rows.length,
      }))
      return [...counted, { set, role, source: 'all', ...sum(counted) }]
    }),
  )
}

/** The same for honest values, which nobody sorted by role: each is tried in all of these. */
export function measureAlarms(corpora, finderOf, roles = ['identifier', 'text']) {
  return BENIGN.flatMap((set) =>
    roles.flatMap((role) => {
      const isFound = finderOf(role)
      const bySource = Object.entries(Object.groupBy(corpora.benign(set), ({ source }) => source))
      return bySource.map(([source, rows]) => ({
        ...{ set, role, source },
        found: rows.filter(({ texts }) => texts.some(isFound)).length,
        all: rows.length,
      }))
    }),
  )
}

/** Of what is found as it is: how much is lost in each disguise, and in each pair of encodings. */
export function measureBypass(corpora, finderOf) {
  return Object.entries(PLACES).flatMap(([set, [role]]) => {
    const isFound = finderOf(role)
    const rows = corpora.attacks(set).filter(({ text }) => text.length < LONGEST && isFound(text))
    const lost = (mutate) => rows.filter(({ text }) => !isFound(mutate(text))).length
    const single = Object.entries({ ...ENCODINGS, ...DISGUISES }).map(([name, mutate]) => ({
      ...{ set, role, name, pair: false, all: rows.length },
      lost: lost(mutate),
    }))
    const pairs = PAIRS.map(([first, second]) => ({
      ...{ set, role, name: `${first}, then ${second}`, pair: true, all: rows.length },
      lost: lost((text) => ENCODINGS[second](ENCODINGS[first](text))),
    }))
    return [...single, ...pairs]
  })
}

/** Values that keep detectors busy, by what they are made of. */
const BUSY = {
  'honest prose': (length) => fill('The order was sent to Anna, and she will have it on Monday. ', length),
  'honest path': (length) => fill('reports/2026/north/summary-17.md/', length),
  quotes: (length) => fill(`'"\``, length),
  'SQL words': (length) => fill('1 or select union and ', length),
  percent: (length) => fill('%2527', length),
  entities: (length) => fill('&amp;&#38;', length),
  escapes: (length) => fill('\\u005cu0027', length),
  base64: (length) => Buffer.from(fill("' or 1=1;", length)).toString('base64').slice(0, length),
  tags: (length) => fill('<a b=<', length),
  brackets: (length) => fill('{{[({', length),
  'dots and slashes': (length) => fill('../..\\', length),
  'unseen characters': (length) => fill('a\u200b\u202e', length),
  'full width': (length) => fill('\uff07\uff1c', length),
  'shell signs': (length) => fill('$(a;b|c&&d)`', length),
  digits: (length) => fill('1234567890', length),
}

const fill = (part, length) => part.repeat(Math.ceil(length / part.length)).slice(0, length)

/** Microseconds for one value of `length` characters, by role and by what it is made of; the fastest of some rounds. */
export function measureCosts(length, roles = ['identifier', 'text', 'path', 'url', 'number', 'secret'], rounds = 40) {
  const inspectors = roleInspectors()
  // The first role would pay for what the compiler does for all.
  for (const role of roles)
    for (const make of Object.values(BUSY)) fastest(inspectors.of({ role }).inspect, make(length), rounds)
  return roles.map((role) => {
    const { inspect } = inspectors.of({ role })
    const costs = Object.entries(BUSY).map(([name, make]) => [name, fastest(inspect, make(length), rounds)])
    return { role, costs: Object.fromEntries(costs) }
  })
}

function fastest(inspect, value, rounds) {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    // Detectors may remember the value before; an honest caller never sends the same twice.
    inspect(`${round}`)
    const from = performance.now()
    inspect(value)
    best = Math.min(best, performance.now() - from)
  }
  return best * 1_000
}

const sum = (rows) => ({
  found: rows.reduce((total, { found }) => total + found, 0),
  all: rows.reduce((total, { all }) => total + all, 0),
})
