// Decides for each attack of the development sets whether it is one where a value of the role stands, and sorts what is missed:
// `node bench/detection/oracle/run.mjs [sqli|command|path] [--corpora folder] [--misses]`
//   (a) its oracle confirms it: the detector is too weak;  (b) another family's oracle or detector does: it is filed under the wrong family;
//   (c) no oracle does: by itself it does nothing (a piece of an attack, a word, what was meant for a header); of commands, what is only a
//       whole command line is counted apart, for that is the role `shell`.
import { readdirSync } from 'node:fs'
import { delimiter } from 'node:path'
import { roleInspectors } from '../../../packages/portcullis/src/inspection/all-detectors.ts'
import { programKind } from '../../../packages/portcullis/src/inspection/shell/program-names.ts'
import { cellsWithin } from '../../../packages/portcullis/src/inspection/views/values-within.ts'
import { views } from '../../../packages/portcullis/src/inspection/views/views.ts'
import { openCorpora, wilson } from '../corpora.mjs'
import { loadCommandLines, loadCommandOracle } from './command.mjs'
import { pathOracle } from './path.mjs'
import { loadSqlOracle } from './sql.mjs'

const ROLES = { sqli: 'identifier', command: 'identifier', path: 'path' }
const FAMILIES = { sqli: 'sql', command: 'command', path: 'path' }

export async function loadOracles() {
  const oracles = { sqli: await loadSqlOracle(), command: loadCommandOracle(), path: pathOracle }
  const isLine = loadCommandLines(isProgram())
  return { confirms: (set, text) => anyReading(text, oracles[set]), isLine: (text) => anyReading(text, isLine) }
}

/** What this machine can run, and the names that the detectors know for others. */
function isProgram() {
  const here = new Set((process.env.PATH ?? '').split(delimiter).flatMap(listed))
  return (name) => here.has(name) || programKind(name) !== undefined
}

function listed(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** A value as it is sent, as its readers may decode it, and the values that stand inside of it as XML or JSON. */
function anyReading(text, ask) {
  for (const { text: reading } of views(text)) {
    for (const value of [reading, ...cellsWithin(reading)]) {
      const found = ask(value)
      if (found !== undefined && found !== false) return found
    }
  }
  return undefined
}

/** `[{ set, source, all, found, confirmed, foundConfirmed, misses: { a, b, c, line } }]`, and what `tell` makes of each miss. */
export async function measureConfirmed(corpora, sets = Object.keys(ROLES), tell = () => {}) {
  const oracles = await loadOracles()
  const inspectors = roleInspectors()
  return sets.flatMap((set) => {
    const { inspect } = inspectors.of({ role: ROLES[set] })
    const rows = corpora.attacks(set)
    const counts = new Map()
    for (const { source, text } of rows) {
      for (const name of [source, 'all']) {
        if (!counts.has(name)) counts.set(name, empty(set, name))
      }
      const sure = inspect(text).filter(({ weight }) => weight !== 'hint')
      const why = oracles.confirms(set, text)
      const kind = sure.length > 0 ? undefined : kindOf(set, text, why, oracles, sure)
      if (kind !== undefined) tell({ set, source, kind, why, text })
      for (const name of [source, 'all']) count(counts.get(name), sure.length > 0, why !== undefined, kind)
    }
    return [...counts.values()]
  })
}

const empty = (set, source) => ({
  set,
  source,
  all: 0,
  found: 0,
  confirmed: 0,
  foundConfirmed: 0,
  misses: { a: 0, b: 0, c: 0, line: 0 },
})

function count(row, isFound, isConfirmed, kind) {
  row.all++
  if (isFound) row.found++
  if (isConfirmed) row.confirmed++
  if (isFound && isConfirmed) row.foundConfirmed++
  if (kind !== undefined) row.misses[kind]++
}

function kindOf(set, text, why, { confirms, isLine }) {
  if (why !== undefined) return 'a'
  if (set === 'command' && isLine(text)) return 'line'
  return Object.keys(ROLES).some((other) => other !== set && confirms(other, text) !== undefined) ? 'b' : 'c'
}

/** How often an oracle confirms an honest value: it asks what could happen, not what somebody meant. */
export async function measureHonest(corpora) {
  const { confirms } = await loadOracles()
  return Object.keys(FAMILIES).map((set) => {
    const texts = ['benign-calls', 'benign-prose'].flatMap((name) => corpora.benign(name).flatMap((row) => row.texts))
    const some = texts.filter((_, at) => at % 10 === 0)
    return { set, all: some.length, confirmed: some.filter((text) => confirms(set, text) !== undefined).length }
  })
}

export const confirmedLine = ({ set, source, all, found, confirmed, foundConfirmed, misses }) => {
  const share = (hits, of) =>
    `${hits} of ${of} (${((100 * hits) / Math.max(1, of)).toFixed(2)} %, ${wilson(hits, of)
      .map((bound) => bound.toFixed(1))
      .join('–')})`
  return `${set.padEnd(8)} ${source.padEnd(13)} all ${share(found, all)}; confirmed ${share(foundConfirmed, confirmed)}; missed: a ${misses.a}, b ${misses.b}, c ${misses.c}, whole command lines ${misses.line}`
}

if (process.argv[1] === import.meta.filename) {
  const args = process.argv.slice(2)
  const at = args.indexOf('--corpora')
  const corpora = openCorpora(at < 0 ? undefined : args[at + 1])
  if (corpora === undefined) {
    console.error('The development sets are not here. Name their folder: --corpora <folder>')
    process.exit(1)
  }
  const sets = Object.keys(ROLES).filter((set) => args.includes(set))
  const tell = args.includes('--misses')
    ? ({ kind, why, text }) => console.log(`  ${kind} ${JSON.stringify(text).slice(0, 140)}  ${why ?? ''}`)
    : undefined
  for (const row of await measureConfirmed(corpora, sets.length > 0 ? sets : undefined, tell))
    console.log(confirmedLine(row))
  if (args.includes('--honest'))
    for (const { set, all, confirmed } of await measureHonest(corpora))
      console.log(`${set}: of ${all} honest values ${confirmed} are confirmed`)
  process.exit()
}
